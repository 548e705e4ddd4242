package format

import (
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/diag"
)

var at = func(line, col int) diag.Pos { return diag.Pos{File: "site.cue", Line: line, Column: col} }

func text(t *testing.T, l diag.List, opt TextOptions) string {
	t.Helper()
	var b strings.Builder
	if err := Text(&b, l, opt); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestText(t *testing.T) {
	tests := []struct {
		name   string
		source string
		opt    TextOptions
		in     diag.List
		want   string
	}{
		{"all parts", "a: 1\n\tb: {c: 2}\n", TextOptions{}, diag.List{{
			Rule: "MG1003", Name: "n", Severity: diag.Error, Pos: at(2, 6), Message: "c is 2, b is 1", Hint: "write 1",
			Related: []diag.Related{{Pos: at(1, 1), Message: "first here"}, {Path: "x.y", Message: "and there"}, {Message: "and so"}},
		}}, "site.cue:2:6: error: c is 2, b is 1 [MG1003]\n        b: {c: 2}\n            ^\n" +
			"    site.cue:1:1: note: first here\n    x.y: note: and there\n    note: and so\n    hint: write 1\n"},
		{"sorted, once", "", TextOptions{}, diag.List{
			{Rule: "MG2", Severity: diag.Warning, Pos: at(3, 1), Message: "second"},
			{Rule: "MG1", Severity: diag.Note, Pos: at(1, 1), Message: "first"},
			{Rule: "MG2", Severity: diag.Warning, Pos: at(3, 1), Message: "second"},
		}, "site.cue:1:1: note: first [MG1]\nsite.cue:3:1: warning: second [MG2]\n"},
		{"no position", "a\n", TextOptions{}, diag.List{
			{Rule: "MG1", Severity: diag.Error, Path: "racks.r1", Message: "m"},
			{Rule: "MG2", Severity: diag.Error, Pos: diag.Pos{File: "site.cue"}, Message: "m"},
		}, "-: error: m [MG1]\n    path: racks.r1\nsite.cue: error: m [MG2]\n"},
		{"waived left out", "", TextOptions{}, diag.List{{Rule: "MG1", Severity: diag.Error, Pos: at(1, 1), Message: "m", Waived: "known"}}, ""},
		{"waived asked for", "", TextOptions{Waived: true}, diag.List{{Rule: "MG1", Severity: diag.Error, Pos: at(1, 1), Message: "m", Waived: "known"}},
			"site.cue:1:1: waived error: m [MG1]\n    reason: known\n"},
		{"no control characters", "a\x1b[31m: \x07\r\n", TextOptions{}, diag.List{{Rule: "MG1", Severity: diag.Error, Pos: at(1, 7), Message: "x\x1b[0m\ny", Hint: "\u009bz"}},
			"site.cue:1:7: error: x\ufffd[0m y [MG1]\n    a\ufffd[31m: \ufffd\n          ^\n    hint: \ufffdz\n"},
		{"line not in the file", "a\n", TextOptions{}, diag.List{{Rule: "MG1", Severity: diag.Error, Pos: at(9, 1), Message: "m"}}, "site.cue:9:1: error: m [MG1]\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.source != "" {
				tt.opt.Source = func(string) []byte { return []byte(tt.source) }
			}
			if got := text(t, tt.in, tt.opt); got != tt.want {
				t.Errorf("printed\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// The caret stands below the rune that holds the byte at the column.
func TestCaret(t *testing.T) {
	tests := []struct {
		name   string
		source string
		column int
		want   string // the rune above the caret; "" for no caret, "$" for the end of the line
	}{
		{"first", "abc", 1, "a"},
		{"after a tab", "\tabc", 2, "a"},
		{"after a half tab", "ab\tXc", 4, "X"},
		{"after two tabs", "\t\tX", 3, "X"},
		{"after a wide rune", "äöX", 5, "X"},
		{"inside a rune", "äöX", 4, "ö"},
		{"end", "abc", 4, "$"},
		{"beyond", "abc", 6, ""},
		{"unknown", "abc", 0, ""},
		{"far right", strings.Repeat("ab ", 400) + "X" + strings.Repeat(" ab", 400), 1201, "X"},
		{"end of a long line", strings.Repeat("ab ", 400) + "X", 1201, "X"},
		{"start of a long line", "X" + strings.Repeat(" ab", 400), 1, "X"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := text(t, diag.List{{Rule: "MG1", Pos: at(1, tt.column), Message: "m"}}, TextOptions{Source: func(string) []byte { return []byte(tt.source) }})
			lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
			above := ""
			if len(lines) == 3 {
				shown, col := []rune(lines[1]), len([]rune(lines[2]))-1
				if above = "$"; col < len(shown) {
					above = string(shown[col])
				}
			}
			if above != tt.want {
				t.Errorf("the caret is below %q, want %q:\n%s", above, tt.want, got)
			}
			if n := len([]rune(lines[1])); n > maxWidth+len(margin) {
				t.Errorf("%d columns shown", n)
			}
		})
	}
}

func TestTextReadsAFileOnce(t *testing.T) {
	n := 0
	text(t, diag.List{{Rule: "A", Pos: at(1, 1)}, {Rule: "B", Pos: at(2, 1)}}, TextOptions{Source: func(string) []byte { n++; return []byte("a\nb") }})
	if n != 1 {
		t.Errorf("read %d times", n)
	}
}

// Colours add escape sequences and nothing else, whatever the terminal of the test is.
func TestColor(t *testing.T) {
	l := diag.List{
		{Rule: "A", Severity: diag.Error, Pos: at(1, 1), Message: "m", Hint: "h", Related: []diag.Related{{Path: "p", Message: "r"}}},
		{Rule: "B", Severity: diag.Warning, Pos: at(1, 2), Message: "m"},
	}
	src := func(string) []byte { return []byte("ab") }
	plain, colored := text(t, l, TextOptions{Source: src}), text(t, l, TextOptions{Source: src, Color: true})
	stripped := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(colored, "")
	if strings.Contains(plain, "\x1b") || stripped != plain || stripped == colored {
		t.Errorf("plain %q, coloured %q", plain, colored)
	}
}

func TestJSON(t *testing.T) {
	l := diag.List{
		{Rule: "MG2", Name: "b", Severity: diag.Warning, Pos: at(2, 1), Path: "p", Message: "<m>", Waived: "known"},
		{Rule: "MG1", Name: "a", Severity: diag.Error, Pos: at(1, 4), Path: "q", Message: "m", Hint: "h", Related: []diag.Related{{Pos: at(3, 2), Path: "r", Message: "n"}}},
	}
	var b strings.Builder
	if err := JSON(&b, l); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{
		{"file": "site.cue", "line": 1.0, "column": 4.0, "path": "q", "rule": "MG1", "name": "a", "severity": "error", "message": "m", "hint": "h",
			"related": []any{map[string]any{"file": "site.cue", "line": 3.0, "column": 2.0, "path": "r", "message": "n"}}},
		{"file": "site.cue", "line": 2.0, "column": 1.0, "path": "p", "rule": "MG2", "name": "b", "severity": "warning", "message": "<m>", "waived": "known"},
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(want), b.String())
	}
	for i, line := range lines {
		var got map[string]any
		if err := json.Unmarshal([]byte(line), &got); err != nil || !reflect.DeepEqual(got, want[i]) {
			t.Errorf("line %d: %s (%v), want %v", i+1, line, err, want[i])
		}
	}
	if !strings.Contains(lines[1], "<m>") {
		t.Error("HTML escapes in", lines[1])
	}
	b.Reset()
	if err := JSON(&b, nil); err != nil || b.String() != "" {
		t.Errorf("no findings: %q, %v", b.String(), err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestWriteErrors(t *testing.T) {
	l := diag.List{{Rule: "A"}}
	if Text(broken{}, l, TextOptions{}) == nil || JSON(broken{}, l) == nil {
		t.Error("a failed write is not told")
	}
}
