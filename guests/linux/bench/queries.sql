-- SPDX-License-Identifier: BSD-2-Clause
-- A table of @COUNT@ rows, an index, a join, updates and deletions; jobs knows the answers.
PRAGMA synchronous = off;
CREATE TABLE numbers (n INTEGER PRIMARY KEY, name TEXT, third INTEGER);
WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < @COUNT@)
INSERT INTO numbers SELECT n, printf('number %08d', n * 7919 % @COUNT@), n % 3 FROM count;
CREATE INDEX by_name ON numbers (name);
PRAGMA integrity_check;
SELECT count(*), sum(n) FROM numbers;
SELECT count(*) FROM numbers AS a JOIN numbers AS b ON a.name = b.name WHERE a.n % 10 = 0 AND a.n = b.n;
UPDATE numbers SET name = name || ' again' WHERE third = 2;
DELETE FROM numbers WHERE third = 1;
SELECT count(*) FROM numbers;
