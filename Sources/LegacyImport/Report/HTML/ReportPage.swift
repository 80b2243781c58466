// A report as a page to look at: a title, figures and sections, whatever run it tells of.

/// The content of a report's page. ``html`` draws it.
///
/// A value without any HTML in it: every text is shown as it is.
public struct ReportPage: Sendable {
  /// How a part of the page is to be felt about.
  public enum Tone: String, Sendable {
    case good
    case caution
    case bad
    case neutral
  }

  /// How the run ended.
  public struct Outcome: Sendable {
    /// How good that is.
    public var tone: Tone
    /// It, in a few words.
    public var headline: String
    /// It, in a sentence or two.
    public var detail: String

    /// How a run ended.
    public init(_ tone: Tone, _ headline: String, detail: String) {
      self.tone = tone
      self.headline = headline
      self.detail = detail
    }
  }

  /// A number to see at once.
  public struct Figure: Sendable {
    /// What it counts.
    public var label: String
    /// The number, as it is shown.
    public var value: String
    /// How good it is.
    public var tone: Tone

    /// A number to see at once.
    public init(_ label: String, _ value: String, tone: Tone = .neutral) {
      self.label = label
      self.value = value
      self.tone = tone
    }
  }

  /// A part of the page under a heading of its own.
  public struct Section: Sendable {
    /// The heading.
    public var title: String
    /// What it holds, from top to bottom.
    public var blocks: [Block]

    /// A part of the page.
    public init(_ title: String, _ blocks: [Block]) {
      self.title = title
      self.blocks = blocks
    }
  }

  /// A piece of a section.
  public enum Block: Sendable {
    /// A sentence or two.
    case text(String)
    /// Lines one below the other, and a last one that says how many are left out.
    case lines([String], more: String?)
    /// Names with their values.
    case facts([(name: String, value: String)])
    /// One bar over the whole width, with a legend.
    case share([Part])
    case table(Table)
    case chart(Chart)
  }

  /// What the run was, as the page's heading.
  public var title: String
  /// When, how long and where, in one line.
  public var subtitle: String
  /// How it ended.
  public var outcome: Outcome
  /// The numbers to see at once.
  public var figures: [Figure]
  /// What there is to know, the most important first.
  public var sections: [Section]

  /// A page.
  public init(
    title: String, subtitle: String, outcome: Outcome, figures: [Figure] = [], sections: [Section] = []
  ) {
    self.title = title
    self.subtitle = subtitle
    self.outcome = outcome
    self.figures = figures
    self.sections = sections
  }

  /// The most characters of a text from a file that a page shows; the JSON report has all of it.
  public static let mostCharacters = 300

  /// The beginning of a text from a file: a key may have megabytes.
  public static func shortened(_ text: String) -> String {
    let beginning = text.prefix(mostCharacters)
    return beginning.endIndex == text.endIndex ? text : beginning.dropLast() + "…"
  }
}

// MARK: - Tables

extension ReportPage {
  /// A part of a whole, as a bar shows it.
  public struct Part: Sendable {
    /// What became of the rows.
    public enum Kind: String, Sendable {
      case loaded
      case there
      case rejected
    }

    /// What became of the rows.
    public var kind: Kind
    /// What the legend calls it.
    public var label: String
    /// How many rows.
    public var rows: Int

    /// A part of a whole.
    public init(_ kind: Kind, _ label: String, rows: Int) {
      self.kind = kind
      self.label = label
      self.rows = rows
    }
  }

  /// Rows and columns.
  public struct Table: Sendable {
    /// How a column is set.
    public enum Alignment: Sendable {
      /// Text that may be long: a sentence, or a name from a file.
      case text
      /// A few words that the program has chosen, in one line.
      case label
      /// What is to be read letter by letter: a path, a key, an id.
      case code
      /// Numbers, digit below digit.
      case number
      /// A bar.
      case bar
    }

    /// What a cell holds.
    public enum Cell: Sendable {
      case text(String)
      /// A name, and softer beside it what tells it from others.
      case name(String, note: String)
      case number(Int)
      /// A number that a reader has to see unless it is 0.
      case alarming(Int)
      /// Seconds.
      case seconds(Double)
      /// A bar: its parts, and how many rows the whole width stands for.
      case bar([Part], of: Int)
      case none
    }

    /// A row.
    public struct Row: Sendable {
      /// What a row is among the others.
      public enum Rank: String, Sendable {
        /// The head of the rows that follow.
        case group
        /// One of a group, or of a table without groups.
        case member
        /// The sum of the others.
        case total
      }

      /// What it is among the others.
      public var rank: Rank
      /// One cell a column.
      public var cells: [Cell]

      /// A row.
      public init(_ cells: [Cell], rank: Rank = .member) {
        self.rank = rank
        self.cells = cells
      }
    }

    /// The columns' headings and how they are set.
    public var columns: [(title: String, alignment: Alignment)]
    /// The rows, from top to bottom.
    public var rows: [Row]
    /// How many rows are left out, and where they are; nil where all are here.
    public var more: String?

    /// A table.
    public init(_ columns: [(title: String, alignment: Alignment)], rows: [Row], more: String? = nil) {
      self.columns = columns
      self.rows = rows
      self.more = more
    }
  }

  /// Rates over time.
  public struct Chart: Sendable {
    /// What was measured.
    public var rates: RunRates
    /// The seconds that the run took: the chart's width.
    public var seconds: Double

    /// Rates over time.
    public init(_ rates: RunRates, seconds: Double) {
      self.rates = rates
      self.seconds = seconds
    }
  }
}
