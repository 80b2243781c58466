// knowledge/librarian/notes.sqlite3: a STRICT table with generated columns, and a full-text index over it.

extension LegacyShape {
  /// The index is filled by triggers; its shadow tables have names like a memory table's, and are none.
  static var librarian: LegacyShape {
    LegacyShape(
      path: "knowledge/librarian/notes.sqlite3",
      about: "STRICT, generated, full text",
      sql: #"""
        CREATE TABLE memories (
          id INTEGER PRIMARY KEY, title TEXT NOT NULL, content TEXT NOT NULL, rating REAL, extra ANY,
          created_at TEXT NOT NULL, length INTEGER GENERATED ALWAYS AS (length(content)) VIRTUAL,
          slug TEXT GENERATED ALWAYS AS (lower(replace(title, ' ', '-'))) STORED,
          CHECK (title <> '')) STRICT;
        CREATE UNIQUE INDEX memories_slug ON memories (slug);
        CREATE VIRTUAL TABLE memories_fts USING fts5(title, content, content='memories', content_rowid='id');
        CREATE TRIGGER memories_ai AFTER INSERT ON memories BEGIN
          INSERT INTO memories_fts (rowid, title, content) VALUES (new.id, new.title, new.content);
        END;
        CREATE TRIGGER memories_ad AFTER DELETE ON memories BEGIN
          INSERT INTO memories_fts (memories_fts, rowid, title, content)
            VALUES ('delete', old.id, old.title, old.content);
        END;
        CREATE TABLE loans (book TEXT, reader TEXT, due TEXT, PRIMARY KEY (book, reader)) STRICT, WITHOUT ROWID;

        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
        INSERT INTO memories (id, title, content, rating, extra, created_at) SELECT
          i * 10, printf('Note %02d', i), printf('The %s of volume %d', CASE i % 2 WHEN 0 THEN 'index' ELSE 'preface' END, i),
          i / 3.0, CASE i % 4 WHEN 0 THEN i WHEN 1 THEN i * 1.0 WHEN 2 THEN printf('%d', i) ELSE x'0102' END,
          date('2022-05-01', printf('+%d days', i))
        FROM n;
        DELETE FROM memories WHERE id = 300;
        INSERT INTO loans VALUES ('Dune', 'ada', '2022-07-01'), ('Emma', 'bob', '2022-07-02');
        """#,
      memories: "SELECT 'knowledge_librarian', '', CAST(id AS TEXT), 0 FROM memories")
  }
}
