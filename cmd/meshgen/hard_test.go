package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// program is meshgen as a process of its own: the test's binary is the program when it is called so.
func program(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Args[0] = "meshgen"
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "MESHGEN_NOW=2026-12-01")
	cmd.WaitDelay = time.Minute
	return cmd
}

// process runs the program in a folder and returns its exit code and what it said.
func process(t *testing.T, dir string, args ...string) (code int, said string) {
	t.Helper()
	cmd := program(dir, args...)
	out, err := cmd.CombinedOutput()
	if e := (*exec.ExitError)(nil); err != nil && !errors.As(err, &e) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func example(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../examples/fra1/site.cue")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// hardInputs are files that a compiler of CUE can choke on. Each is refused with words, in bounded time and memory.
// The limits are lowered, so that the test need not wait: none of these ends in any useful time.
var hardInputs = []struct {
	name  string
	files map[string]string // beside or instead of site.cue; "+" before a text appends it to the example
	links map[string]string // symbolic links: name → target
	args  []string
	want  string
}{
	{name: "huge range", files: map[string]string{"site.cue": "+_x: list.Range(0, 1e8, 1)\nregion: \"r\\(len(_x))\"\n"},
		args: []string{"--max-time", "500ms"}, want: "takes more than 500ms to compile: "},
	{name: "nested comprehension", files: map[string]string{"site.cue": "+_n: list.Range(0, 100, 1)\n_x: [for a in _n for b in _n for c in _n for d in _n {a+b+c+d}]\n"},
		args: []string{"--max-time", "500ms"}, want: "takes more than 500ms to compile: "},
	{name: "disjunctions", files: map[string]string{"site.cue": "+_x: " + strings.TrimSuffix(disjunctions(12), " & ") + "\n"},
		args: []string{"--max-time", "500ms"}, want: "raise --max-time"},
	{name: "doubling", files: map[string]string{"site.cue": "+" + doubling(40)},
		args: []string{"--max-memory", "160Mi"}, want: "takes more than 160MiB of memory to compile: "},
	{name: "refers to itself", files: map[string]string{"site.cue": "+#L: {next: #L}\n_y: #L\n"}, want: "depends on itself"},
	{name: "repeat", files: map[string]string{"site.cue": "+_x: list.Repeat([1, 2, 3], 1000000000)\n"}, want: "a function refuses its arguments"},
	{name: "brackets", files: map[string]string{"site.cue": "a: " + strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20)}, want: "nested more than"},
	{name: "one long expression", files: map[string]string{"site.cue": "a: 1" + strings.Repeat("+1", 1<<20)}, want: "an expression of more than"},
	{name: "fields in fields", files: map[string]string{"site.cue": strings.Repeat("b: ", 1<<20) + "1"}, want: "nested more than"},
	{name: "anchors of anchors", files: map[string]string{"site.yaml": anchors(11)}, args: []string{"site.yaml"}, want: "site.yaml"},
	{name: "100 MB", files: map[string]string{"site.cue": strings.Repeat("// 0123456789abcdef\n", 5_000_000)}, want: "larger than 16 MiB"},
	{name: "not UTF-8", files: map[string]string{"site.cue": "name: \"fra\xff1\"\n"}, want: "site.cue:1:11: error: the text is not UTF-8"},
	{name: "UTF-16", files: map[string]string{"site.cue": "\xff\xfen\x00a\x00m\x00e\x00"}, want: "not UTF-8"},
	{name: "null bytes", files: map[string]string{"site.cue": strings.Repeat("\x00", 1000)}, want: "site.cue:1:1: error: "},
	{name: "nothing", files: map[string]string{"site.cue": ""}, want: "is missing"},
	{name: "cyclic imports", files: map[string]string{
		"cue.mod/module.cue": "module: \"example.net/m\"\nlanguage: version: \"v0.9.0\"\n",
		"site.cue":           "package s\n\nimport \"example.net/m/a\"\n\nname: a.x\n",
		"a/a.cue":            "package a\n\nimport \"example.net/m/b\"\n\nx: b.x\n",
		"b/b.cue":            "package b\n\nimport \"example.net/m/a\"\n\nx: a.x\n",
	}, want: `import "example.net/m/a" leads back to itself`},
	{name: "link to itself", links: map[string]string{"site.cue": "site.cue"}, want: "site.cue: error: cannot be read"},
	{name: "links in a circle", links: map[string]string{"site.cue": "b.cue", "b.cue": "site.cue"}, want: "cannot be read"},
	{name: "folder that holds itself", files: map[string]string{"d/site.cue": "name: 1\n"}, links: map[string]string{"d/d": "."},
		args: []string{"d/d/d/d"}, want: "d/d/d/d/site.cue:1:"},
	{name: "a device", args: []string{"/dev/zero"}, want: "neither a file nor a folder"},
	{name: "endless input", links: map[string]string{"site.cue": "/dev/zero"}, want: "neither a file nor a folder"},
	{name: "names that climb out", files: map[string]string{"site.cue": "+nodeClasses: \"../../escape\": nodeClasses.worker\n"}, want: "../../escape"},
}

func disjunctions(n int) string {
	var b strings.Builder
	for i := range n {
		k := string(rune('a' + i))
		b.WriteString("({" + k + "1: 1} | {" + k + "2: 1} | {" + k + "3: 1}) & ")
	}
	return b.String()
}

func doubling(n int) string {
	name := func(i int) string { return "_d" + strings.Repeat("x", i) }
	b := name(0) + ": \"xxxxxxxxxxxxxxxx\"\n"
	for i := range n {
		b += name(i+1) + ": " + name(i) + " + " + name(i) + "\n"
	}
	return b + "region: \"\\(" + name(n) + ")\"\n"
}

func anchors(n int) string {
	b := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range n {
		old, now := "*"+anchor(i), anchor(i+1)
		b += now + ": &" + now + " [" + strings.TrimSuffix(strings.Repeat(old+", ", 10), ", ") + "]\n"
	}
	return b
}

func anchor(i int) string { return "a" + strings.Repeat("0", i+1) }

func TestHardInputs(t *testing.T) {
	text := example(t)
	for _, tt := range hardInputs {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, body := range tt.files {
				if more, ok := strings.CutPrefix(body, "+"); ok {
					body = text + more
				}
				put(t, filepath.Join(dir, name), body)
			}
			for name, target := range tt.links {
				if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			code, said := process(t, dir, append([]string{"build", "--color=never"}, tt.args...)...)
			wanted := exitFindings
			if strings.Contains(said, "[MG0001]") { // not a site with a fault, but none that can be read
				wanted = exitFailure
			}
			if code != wanted || !strings.Contains(said, tt.want) {
				t.Errorf("exit %d\n%.2000s\nwant exit %d and %q", code, said, wanted, tt.want)
			}
			if strings.Contains(said, "goroutine ") || len(said) > 1<<14 {
				t.Errorf("%d bytes: %.500s", len(said), said)
			}
			for _, name := range []string{"out", ".out.meshgen", "../escape", "escape"} {
				if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
					t.Errorf("%s was written", name)
				}
			}
		})
	}
}

// What vet refuses for its depth, fmt leaves alone.
func TestHardFormat(t *testing.T) {
	dir := t.TempDir()
	for name, body := range map[string]string{"deep.cue": "a: 1" + strings.Repeat("+1", 1<<20), "large.cue": strings.Repeat("// 0123456789abcdef\n", 1_000_000)} {
		put(t, filepath.Join(dir, name), body)
		if code, said := process(t, dir, "fmt", name); code != exitFindings || !strings.HasPrefix(said, name+" does not parse") {
			t.Errorf("%s: exit %d\n%.500s", name, code, said)
		}
		if now, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(now) != body {
			t.Errorf("%s has changed, %v", name, err)
		}
	}
}

func put(t *testing.T, name, body string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
}

// breaking is a stream that panics.
type breaking struct{}

func (breaking) Read([]byte) (int, error)  { panic("stream\nbroken") }
func (breaking) Write([]byte) (int, error) { panic("stream\nbroken") }

// A panic anywhere is one line and exit 3; the stack is for those who ask.
func TestPanic(t *testing.T) {
	for _, debug := range []bool{false, true} {
		for _, args := range [][]string{{"vet", "-"}, {"schema"}} {
			var stderr bytes.Buffer
			c := &command{stdin: breaking{}, stdout: breaking{}, stderr: &stderr, env: func(name string) (string, bool) { return "1", debug && name == "MESHGEN_DEBUG" }}
			code := c.main(args)
			first, rest, _ := strings.Cut(stderr.String(), "\n")
			if code != exitFailure || first != "meshgen: internal error: stream; please report this with the site that caused it" {
				t.Errorf("%v: exit %d: %s", args, code, first)
			}
			if strings.Contains(rest, "goroutine ") != debug || !debug && rest != "" {
				t.Errorf("%v with debug %v: %s", args, debug, rest)
			}
		}
	}
}

func TestWithin(t *testing.T) {
	if v, err := within(limits{time.Minute, "1Gi"}, "s", func() (int, error) { return 7, nil }); v != 7 || err != nil {
		t.Errorf("%d, %v", v, err)
	}
	_, err := within(limits{time.Minute, "1Gi"}, "s", func() (int, error) { panic("broken") })
	if p := (*crash)(nil); !errors.As(err, &p) || !bytes.Contains(p.stack, []byte("TestWithin")) {
		t.Errorf("%v", err)
	}
	never := make(chan int)
	if _, err := within(limits{time.Millisecond, "1Gi"}, "s", func() (int, error) { return <-never, nil }); err == nil {
		t.Error("a wait without end is within the limits")
	}
	if _, err := within(limits{0, "1"}, "s", func() (int, error) { return <-never, nil }); err == nil {
		t.Error("more than one byte is within the limit of one")
	}
	if v, err := within(limits{0, "0"}, "s", func() (int, error) { time.Sleep(2 * watchInterval); return 7, nil }); v != 7 || err != nil {
		t.Errorf("without limits: %d, %v", v, err)
	}
	for _, l := range []limits{{-1, "1Gi"}, {0, "much"}, {0, "-1Gi"}, {0, ""}} {
		_, err := within(l, "s", func() (int, error) { return 0, nil })
		if e := (exit{}); !errors.As(err, &e) || e.code != exitUsage {
			t.Errorf("%v: %v", l, err)
		}
	}
}
