package format

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"meshgen.dev/meshgen/compiler/diag"
)

// catalogue and sample hold what the formats differ in: every severity, a finding with everything and one with nothing,
// a waiver, a rule that did not run, one that found nothing, and one that nobody lists.
var catalogue = []Rule{
	{"MG0001", "first", "a title", "It breaks.\n\nSource: a document.", diag.Error, true},
	{"MG0002", "second", "b title", "It hurts.", diag.Warning, true},
	{"MG1003", "third", "c title", "It is dear.", diag.Note, true},
	{"MG1004", "silent", "d title", "It was.", diag.Error, true},
	{"MG2005", "later", "e title", "It will be.", diag.Error, false},
	{"MG2006", "accepted", "f title", "It is known.", diag.Warning, true},
}

const sampleSource = "a: 1\nname: \"Zürich\", b: 2\n\tc: 3\n"

func sampleText(file string) []byte {
	if file == "sites/one, two/100%.cue" {
		return []byte(sampleSource)
	}
	return nil
}

func sample() diag.List {
	in := func(line, col int) diag.Pos {
		return diag.Pos{File: "sites/one, two/100%.cue", Line: line, Column: col}
	}
	return diag.List{
		{Rule: "MG0001", Name: "first", Severity: diag.Error, Path: "b", Pos: in(2, 21), Message: "b is 2: 50%, a is 1", Hint: "write 1 [see](a)",
			Related: []diag.Related{{Path: "a", Pos: in(1, 4), Message: "first here"}, {Path: "x", Message: "and there"}, {Message: "and so"}},
			Fix:     &diag.Fix{Path: "b", New: "1", Message: "write 1", Edit: diag.Edit{File: "sites/one, two/100%.cue", Start: 24, End: 25, New: "1"}}},
		{Rule: "MG0001", Name: "first", Severity: diag.Error, Path: "b", Pos: in(3, 2), Message: "once more"},
		{Rule: "MG0002", Name: "second", Severity: diag.Warning, Path: "c", Pos: in(9, 9), Message: "not in the file"},
		{Rule: "MG1003", Name: "third", Severity: diag.Note, Path: "racks.r1", Message: "no position", Fix: &diag.Fix{Path: "x", New: "y", Message: "cannot be made"}},
		{Rule: "MG2006", Name: "accepted", Severity: diag.Warning, Path: "c", Pos: in(3, 5), Message: "c is 3", Waived: "until the new \"one\" is there"},
		{Rule: "MG9999", Name: "unlisted", Severity: diag.Error, Message: "of nothing"},
		{Rule: "MG9999", Name: "unlisted", Severity: diag.Error, Pos: diag.Pos{File: "/tmp/whole.yaml"}, Message: "of a whole file"},
	}
}

// machine are the formats for programs, with the sample's options.
var machine = map[string]func(io.Writer, diag.List) error{
	"github": func(w io.Writer, l diag.List) error { return GitHub(w, l, sampleText) },
	"junit": func(w io.Writer, l diag.List) error {
		return JUnit(w, l, JUnitOptions{Rules: catalogue, FailOn: diag.Error, Source: sampleText})
	},
	"sarif": func(w io.Writer, l diag.List) error {
		return SARIF(w, l, SARIFOptions{Version: "1.2.3", Rules: catalogue, Source: sampleText})
	},
}

func TestMachineGolden(t *testing.T) {
	for name, print := range machine {
		for file, list := range map[string]diag.List{"sample." + name: sample(), "empty." + name: nil} {
			var got bytes.Buffer
			if err := print(&got, list); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", file)
			if os.Getenv("MESHGEN_UPDATE") != "" {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%s is now\n%s", golden, got.Bytes())
			}
		}
		if print(broken{}, sample()) == nil {
			t.Errorf("%s: a failed write is not told", name)
		}
	}
}

var sarifSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	text, err := os.ReadFile("testdata/sarif-schema-2.1.0.json")
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat = true
	if err := c.AddResource("meshgen:///sarif", bytes.NewReader(text)); err != nil {
		return nil, err
	}
	return c.Compile("meshgen:///sarif")
})

// checkSARIF holds a log to the official schema, and to what the schema cannot say.
func checkSARIF(t *testing.T, text []byte) {
	t.Helper()
	schema, err := sarifSchema()
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := schema.Validate(value); err != nil {
		t.Fatalf("%#v\n%s", err, text)
	}
	var log sarifLog
	if err := json.Unmarshal(text, &log); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	run := log.Runs[0]
	for _, r := range run.Results {
		if r.RuleIndex != nil && run.Tool.Driver.Rules[*r.RuleIndex].ID != r.RuleID {
			t.Errorf("the rule at index %d is not %s", *r.RuleIndex, r.RuleID)
		}
		for _, id := range r.Fingerprints {
			if seen[id] {
				t.Errorf("fingerprint %s is given twice", id)
			}
			seen[id] = true
		}
	}
}

func TestSARIFSchema(t *testing.T) {
	for _, list := range []diag.List{nil, sample()} {
		var got bytes.Buffer
		if err := machine["sarif"](&got, list); err != nil {
			t.Fatal(err)
		}
		checkSARIF(t, got.Bytes())
	}
	// The schema refuses what it should: a log that is always accepted proves nothing.
	schema, err := sarifSchema()
	if err != nil {
		t.Fatal(err)
	}
	if schema.Validate(map[string]any{"version": "2.1.0", "runs": []any{map[string]any{"results": []any{}}}}) == nil {
		t.Error("a run without a tool is accepted")
	}
}

// A finding keeps its fingerprint while lines move.
func TestSARIFFingerprint(t *testing.T) {
	ids := func(l diag.List) string {
		var b bytes.Buffer
		if err := SARIF(&b, l, SARIFOptions{}); err != nil {
			t.Fatal(err)
		}
		return strings.Join(regexp.MustCompile(`"rulePath/v1": .*`).FindAllString(b.String(), -1), "\n")
	}
	here, there := sample(), sample()
	for i := range there {
		if there[i].Pos.Line > 0 {
			there[i].Pos.Line += 7
		}
	}
	if a, b := ids(here), ids(there); a != b || strings.Count(a, "\n") != len(here)-1 {
		t.Errorf("%s\nand seven lines below\n%s", a, b)
	}
}

func TestColumn(t *testing.T) {
	src := newSource(func(string) []byte { return []byte("äb\r\n\n€") })
	for _, tt := range []struct{ line, column, want int }{
		{1, 1, 1}, {1, 3, 2}, {1, 4, 3}, {1, 9, 0}, {1, 0, 0}, {2, 1, 1}, {3, 4, 2}, {4, 1, 1}, {5, 2, 0}, {0, 1, 1},
	} {
		if got := src.column(diag.Pos{File: "f", Line: tt.line, Column: tt.column}); got != tt.want {
			t.Errorf("%d:%d is column %d, want %d", tt.line, tt.column, got, tt.want)
		}
	}
}

// command is the form of a workflow command: nothing of a site may end it early, begin another, or add a property.
var command = regexp.MustCompile(`^::(error|warning|notice) (file=[^:,]*,)?(line=\d+,)?(col=\d+,)?title=[^:,]*::.*$`)

// FuzzMachine holds that every format is well-formed whatever a site makes its findings say.
func FuzzMachine(f *testing.F) {
	f.Add("site.cue", "a", "MG0001", "message", "hint", "reason", 1, 1)
	f.Add("a:b,c%0A.cue", "racks.\"x\"", "MG\x00", "\r\n::error::x\x1b]0;\x07\ufffe", "]]><!--&\xff", "\u2028\x00", -1, 99)
	f.Add("../up/ü.cue", "", "", "{0} [x](1)", "", "", 2, 0)
	f.Fuzz(func(t *testing.T, file, path, rule, message, hint, waived string, line, column int) {
		found := diag.Finding{
			Rule: rule, Name: hint, Severity: diag.Severity(len(message) % 3), Path: path, Pos: diag.Pos{File: file, Line: max(line, 0), Column: max(column, 0)},
			Message: message, Hint: hint, Related: []diag.Related{{Path: message, Pos: diag.Pos{File: file}, Message: hint}},
			Fix: &diag.Fix{Message: message, New: hint, Edit: diag.Edit{File: file, Start: 1, End: 1 + len(hint), New: message}},
		}
		covered := found
		covered.Waived = waived
		list := diag.List{found, covered}
		printed := map[string][]byte{}
		for name, print := range machine {
			var out bytes.Buffer
			if err := print(&out, list); err != nil {
				t.Fatal(name, err)
			}
			if !utf8.Valid(out.Bytes()) {
				t.Fatalf("%s prints no UTF-8: %q", name, out.Bytes())
			}
			printed[name] = out.Bytes()
		}
		checkSARIF(t, printed["sarif"])
		if err := xml.Unmarshal(printed["junit"], new(junitSuites)); err != nil {
			t.Fatalf("%v\n%s", err, printed["junit"])
		}
		for l := range strings.Lines(string(printed["github"])) {
			if l = strings.TrimSuffix(l, "\n"); !command.MatchString(l) || strings.ContainsFunc(l, unicode.IsControl) {
				t.Fatalf("not a command: %q", l)
			}
		}
	})
}
