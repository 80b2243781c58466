// How a report's page looks: sober, in the reader's own fonts and in light or dark as the reader's system is.

/// The style sheet of a report's page.
enum ReportStyle {
  /// The sheet: colours first, then the page from top to bottom, then phones and paper.
  static let sheet: HTML = """
    :root {
      color-scheme: light dark;
      --page: #ffffff; --text: #1c2430; --soft: #5b6675; --line: #dfe4ea; --raised: #f6f8fa;
      --loaded: #2f6fd0; --there: #9db4cf; --rejected: #c8501d;
      --good: #1c7c4c; --good-soft: #e8f5ee; --caution: #94610b; --caution-soft: #fdf4e0;
      --bad: #b3311c; --bad-soft: #fcebe7; --curve2: #8a5cc2; --curve3: #b8801f;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --page: #12161c; --text: #e4e9f0; --soft: #9aa6b5; --line: #2b333e; --raised: #1a2029;
        --loaded: #6ba3f5; --there: #4b6482; --rejected: #f08a55;
        --good: #62c794; --good-soft: #15291f; --caution: #e2b155; --caution-soft: #2c2412;
        --bad: #f28a76; --bad-soft: #331a16; --curve2: #b79be6; --curve3: #dcae5a;
      }
    }
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
    body {
      margin: 0; background: var(--page); color: var(--text);
      font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
      font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
    }
    main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
    h1, h2, p, ul, dl, dd, figure { margin: 0; padding: 0; }
    h1 { font-size: 1.9rem; line-height: 1.2; font-weight: 650; letter-spacing: -0.01em; }
    h2 { font-size: 1.2rem; line-height: 1.3; font-weight: 650; }
    .kicker { color: var(--soft); font-size: .85rem; letter-spacing: .08em; text-transform: uppercase; }
    .subtitle { color: var(--soft); margin-top: .4rem; }

    .outcome { margin-top: 1.5rem; padding: .9rem 1.1rem; border-left: .3rem solid; border-radius: .25rem; }
    .outcome p { color: var(--text); margin-top: .15rem; }
    .outcome.good { background: var(--good-soft); color: var(--good); border-color: var(--good); }
    .outcome.caution { background: var(--caution-soft); color: var(--caution); border-color: var(--caution); }
    .outcome.bad { background: var(--bad-soft); color: var(--bad); border-color: var(--bad); }
    .outcome.neutral { background: var(--raised); border-color: var(--soft); }

    .figures {
      display: flex; flex-wrap: wrap; gap: 1px; margin-top: 1.5rem;
      background: var(--line); border: 1px solid var(--line); border-radius: .4rem; overflow: hidden;
    }
    .figures div { flex: 1 1 7.2rem; background: var(--page); padding: .7rem .9rem; }
    .figures dt { color: var(--soft); font-size: .8rem; }
    .figures dd { font-size: 1.4rem; line-height: 1.3; font-weight: 600; overflow-wrap: normal; }
    .figures .good dd { color: var(--good); }
    .figures .caution dd { color: var(--caution); }
    .figures .bad dd { color: var(--bad); }

    section { margin-top: 2.5rem; }
    section > h2 { padding-bottom: .45rem; border-bottom: 1px solid var(--line); }
    section > * + * { margin-top: .9rem; }
    section > ul { padding-left: 1.2rem; }
    section > p, section > ul { max-width: 52rem; }
    .more { color: var(--soft); font-size: .9rem; }

    .legend { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; list-style: none; font-size: .9rem; }
    .legend i { display: inline-block; width: .75rem; height: .75rem; border-radius: .15rem; margin-right: .45rem; }
    svg { display: block; width: 100%; }
    svg.strip { height: .6rem; border-radius: .15rem; background: var(--line); min-width: 5rem; }
    .share svg.strip { height: 1.1rem; border-radius: .25rem; margin-bottom: .6rem; }
    rect.loaded { fill: var(--loaded); } rect.there { fill: var(--there); } rect.rejected { fill: var(--rejected); }
    i.loaded { background: var(--loaded); } i.there { background: var(--there); } i.rejected { background: var(--rejected); }

    table { width: 100%; border-collapse: collapse; font-size: .92rem; }
    th, td { padding: .38rem .6rem; text-align: left; vertical-align: baseline; border-bottom: 1px solid var(--line); }
    th:first-child, td:first-child { padding-left: 0; }
    th:last-child, td:last-child { padding-right: 0; }
    th { color: var(--soft); font-size: .8rem; font-weight: 600; border-bottom-color: var(--soft); }
    .number { text-align: right; white-space: nowrap; }
    td, li, .facts dd { unicode-bidi: isolate; }
    td.code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; font-size: .85em; }
    th.bar, td.bar { width: 22%; }
    td.label { white-space: nowrap; }
    td.text, td.code { min-width: 7rem; }
    td small { color: var(--soft); font-size: .85em; font-weight: 400; display: block; }
    td.bar { vertical-align: middle; }
    tr.group td { padding-top: .9rem; font-weight: 600; }
    tr.group td.code { font-family: inherit; font-size: inherit; }
    tr.total td { font-weight: 600; border-bottom: 0; }
    .group ~ .member td:first-child { padding-left: 1.1rem; }
    .alarm { color: var(--rejected); font-weight: 600; }

    .facts div { display: grid; grid-template-columns: 11rem 1fr; gap: 1rem; padding: .3rem 0; border-bottom: 1px solid var(--line); }
    .facts dt { color: var(--soft); }

    .plot { display: grid; grid-template-columns: auto 1fr; gap: .3rem .6rem; margin-top: .8rem; }
    .plot svg { height: 13rem; overflow: visible; }
    .upright, .level { display: flex; justify-content: space-between; color: var(--soft); font-size: .78rem; line-height: 1; }
    .upright { flex-direction: column; text-align: right; margin: -.39rem 0; }
    .level { grid-column: 2; }
    figcaption { color: var(--soft); font-size: .85rem; margin-top: .5rem; }
    .grid { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke; }
    .line { fill: none; stroke-width: 1.75; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
    .area { stroke: none; opacity: .14; }
    .hint { fill: transparent; }
    .hint:hover { fill: var(--soft); opacity: .15; }
    .line.curve0 { stroke: var(--loaded); } .area.curve0 { fill: var(--loaded); } i.curve0 { background: var(--loaded); }
    .line.curve1 { stroke: var(--good); } .area.curve1 { fill: var(--good); } i.curve1 { background: var(--good); }
    .line.curve2 { stroke: var(--curve2); } .area.curve2 { fill: var(--curve2); } i.curve2 { background: var(--curve2); }
    .line.curve3 { stroke: var(--curve3); } .area.curve3 { fill: var(--curve3); } i.curve3 { background: var(--curve3); }

    @media screen and (max-width: 46rem) {
      main { padding: 1.5rem 1rem 3rem; }
      h1 { font-size: 1.5rem; }
      .figures div { flex-basis: 40%; }
      .facts div { grid-template-columns: 1fr; gap: 0; }
      table, tbody, tr, td { display: block; }
      thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
      tr { display: grid; grid-template-columns: repeat(3, 1fr); gap: .3rem .8rem; padding: .7rem 0; border-bottom: 1px solid var(--line); }
      td, tr.group td, td.number { border: 0; padding: 0; text-align: left; }
      tr.member td.zero { display: none; }
      td.text, td.label, td.code, td.bar { grid-column: 1 / -1; width: auto; }
      td.empty { display: none; }
      td.label { white-space: normal; }
      td:first-child { font-weight: 600; }
      td[data-label]:not(:first-child):not(.bar)::before {
        content: attr(data-label); display: block; color: var(--soft);
        font: 400 .75rem/1.4 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
      }
      .group ~ .member, .group ~ .member td:first-child { padding-left: .8rem; }
      .group ~ .member td:first-child { padding-left: 0; font-weight: 500; }
      .plot svg { height: 10rem; }
    }
    @media print {
      :root {
        color-scheme: light;
        --page: #ffffff; --text: #000000; --soft: #444444; --line: #cccccc; --raised: #ffffff;
        --loaded: #2f6fd0; --there: #9db4cf; --rejected: #c8501d; --good: #1c7c4c; --caution: #94610b; --bad: #b3311c;
        --good-soft: #ffffff; --caution-soft: #ffffff; --bad-soft: #ffffff; --curve2: #8a5cc2; --curve3: #b8801f;
      }
      body { font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
      main { max-width: none; padding: 0; }
      .figures { background: none; gap: 0; }
      .figures div { border: 1px solid var(--line); }
      .outcome, .figures, figure, tr, .share { break-inside: avoid; }
      h2 { break-after: avoid; }
      thead { display: table-header-group; }
    }
    """
}
