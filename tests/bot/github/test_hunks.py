"""The lines that a diff shows, by hand."""

from bot.github.hunks import shown_lines

PATCH = """\
@@ -1,4 +1,5 @@ import re
 a = 1
-b = 2
+b = 3
+b = "@@ -1 +70,9 @@"
 c = 4
 d = 5
@@ -20 +21,0 @@ def last():
-gone = 1
@@ -30,0 +31 @@
+new = 1
\\ No newline at end of file"""


def test_every_line_of_every_hunk_is_shown_and_no_other() -> None:
    assert shown_lines(PATCH) == {1, 2, 3, 4, 5, 31}


def test_file_without_a_patch_shows_nothing() -> None:
    assert shown_lines("") == frozenset()
