package compiler

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	linediff "github.com/rogpeppe/go-internal/diff"
	"github.com/rogpeppe/go-internal/txtar"

	"meshgen.dev/meshgen/compiler/analyze/plan"
	"meshgen.dev/meshgen/compiler/diff"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/load"
)

// changesDir holds changes of the main example, NAME.txtar: a list of replacements in the old state, in the new one, or in
// both: "replace in STATE", then "by". What is told of them stands in toldDir.
const (
	changesDir = "testdata/changes"
	toldDir    = goldenDir + "/fra1.changes"
)

func changeNames(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(changesDir, "*.txtar"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%d changes: %v", len(files), err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".txtar")
	}
	return files
}

// changedSite returns the two states of a change.
func changedSite(t testing.TB, name string) (old, new string) {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join(changesDir, name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	old = read(t, filepath.Join(examplesDir, "fra1", "site.cue"))
	new = old
	for i := 0; i+1 < len(a.Files); i += 2 {
		where, from, to := a.Files[i].Name, string(a.Files[i].Data), string(a.Files[i+1].Data)
		for state, text := range map[string]*string{"old": &old, "new": &new} {
			if where != "replace in both" && where != "replace in "+state {
				continue
			}
			if strings.Count(*text, from) != 1 {
				t.Fatalf("%s: not exactly once in the %s state:\n%s", name, state, from)
			}
			*text = strings.Replace(*text, from, to, 1)
		}
	}
	return old, new
}

// sideOf compiles one state of a change.
func sideOf(t testing.TB, name, text string) (*diff.Side, *Output) {
	t.Helper()
	src, found := load.Bytes("site.cue", []byte(text))
	if src == nil {
		t.Fatal(found)
	}
	out, err := Compile(src, Options{Now: today})
	if err != nil || out.Tree == nil || out.Findings.HasErrors() {
		t.Fatal(err, out.Findings)
	}
	values, err := src.Values()
	if err != nil {
		t.Fatal(err)
	}
	return &diff.Side{Name: name, Sites: []*diff.Site{diff.FromTree(out.Plan.Name, out.Tree, values, src.PosOf)}}, out
}

// TestGoldenChanges compares changes of the main example with what was told of them before.
func TestGoldenChanges(t *testing.T) {
	for _, name := range changeNames(t) {
		t.Run(name, func(t *testing.T) {
			if update { // what is told of a change that is gone stays: TestChangesTold finds it
				if err := os.RemoveAll(filepath.Join(toldDir, name)); err != nil {
					t.Fatal(err)
				}
			}
			was, is := changedSite(t, name)
			old, before := sideOf(t, "old", was)
			new, after := sideOf(t, "new", is)
			r := diff.Compare(old, new)
			var text, markdown, json, html bytes.Buffer
			for _, err := range []error{diff.Text(&text, r, false), diff.Markdown(&markdown, r), diff.JSON(&json, r), diff.HTML(&html, r)} {
				if err != nil {
					t.Fatal(err)
				}
			}
			golden(t, filepath.Join(toldDir, name, "diff.txt"), text.Bytes())
			golden(t, filepath.Join(toldDir, name, "diff.md"), markdown.Bytes())
			if name == "tor-asn" {
				golden(t, filepath.Join(toldDir, name, "diff.json"), json.Bytes())
				golden(t, filepath.Join(toldDir, name, "diff.html"), html.Bytes())
			}
			rollout := plan.New(r, before.Plan, after.Plan)
			var runbook, steps bytes.Buffer
			for _, err := range []error{plan.Markdown(&runbook, rollout), plan.JSON(&steps, rollout)} {
				if err != nil {
					t.Fatal(err)
				}
			}
			golden(t, filepath.Join(toldDir, name, "plan.md"), runbook.Bytes())
			golden(t, filepath.Join(toldDir, name, "plan.json"), steps.Bytes())
			keptApart(t, after.Plan, rollout)
			for _, c := range r.Changes {
				for _, h := range c.Hunks {
					if len(h.Causes) == 0 || !h.Causes[0].Edit || !h.Causes[0].Pos.IsValid() {
						t.Errorf("%s %s, %s: no edit of the description is behind it: %+v", c.Kind, c.Places[0].Name, h.At, h.Causes)
					}
				}
			}
		})
	}
}

// keptApart holds waves to what they promise: of the switches of a rack one, of the machines of a control plane one, of the
// machines that pods of a gateway may stand on one, and no address without a session.
func keptApart(t *testing.T, p *ir.Plan, rollout *plan.Rollout) {
	t.Helper()
	for _, w := range rollout.Waves {
		tors := map[string]map[string]bool{}
		for _, s := range w.Radius.Sessions {
			if strings.HasPrefix(w.Title, "spine") {
				continue // the other spines carry both switches of a rack
			}
			for _, sw := range p.Switches {
				if sw.Hostname == s.Switch && sw.Role == "tor" && w.Effect == plan.SessionReset {
					if tors[sw.Rack] == nil {
						tors[sw.Rack] = map[string]bool{}
					}
					tors[sw.Rack][sw.Hostname] = true
				}
			}
		}
		for rack, names := range tors {
			if len(names) > 1 {
				t.Errorf("%s: %d switches of rack %s", w.Title, len(names), rack)
			}
		}
		for _, v := range w.Radius.VIPs {
			if v.Of > 0 && v.Left == 0 {
				t.Errorf("%s: %s has no session left", w.Title, v.Address)
			}
		}
		if !strings.HasPrefix(w.Title, "machines") {
			continue
		}
		control, carry := 0, map[string]int{}
		for _, n := range p.Nodes {
			if !slices.Contains(w.Radius.Nodes, n.Name) {
				continue
			}
			if n.ControlPlane {
				control++
			}
			for _, g := range p.Gateways {
				if n.Class == g.Class && slices.Contains(g.Racks, n.Rack) {
					carry[g.Name]++
				}
			}
		}
		for g, n := range carry {
			if n > 1 {
				t.Errorf("%s: %d machines that pods of %s may stand on", w.Title, n, g)
			}
		}
		if control > 1 || len(w.Radius.Nodes) > rollout.Budget.Nodes {
			t.Errorf("%s: %d machines, %d of the control plane", w.Title, len(w.Radius.Nodes), control)
		}
	}
}

// TestChangesTold finds what is told of a change that is gone.
func TestChangesTold(t *testing.T) {
	entries, err := os.ReadDir(toldDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(changeNames(t), e.Name()) {
			t.Errorf("%s/%s has no change", toldDir, e.Name())
		}
	}
}

// golden holds a text to a file, or rewrites the file.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := read(t, file); want != string(got) {
		t.Errorf("%s is not up to date:\n%s", file, linediff.Diff("was", []byte(want), "is", got))
	}
}

// TestPlansElsewhere plans changes of other kinds of switches and load balancers: both ends of a session go together.
func TestPlansElsewhere(t *testing.T) {
	for _, c := range []struct{ example, from, to, want string }{
		{"nue1", `hostname: "nue1-east-a", asn: 4200000711`, `hostname: "nue1-east-a", asn: 4200000719`, "### 1. Spine nue1-spine-1\n"},
		{"nue1", `hostname: "nue1-east-a", asn: 4200000711`, `hostname: "nue1-east-a", asn: 4200000719`, "-p '{\"spec\":{\"peerASN\":4200000719}}'"},
		{"erf1", `hostname: "erf1-south-sw", asn: 4200000452`, `hostname: "erf1-south-sw", asn: 4200000459`, "apply CiliumBGPClusterConfig south.vips"},
		{"erf1", `hostname: "erf1-south-sw", asn: 4200000452`, `hostname: "erf1-south-sw", asn: 4200000459`, "+ neighbor ERF1_TORS_2 remote-as 4200000459"},
	} {
		text := read(t, filepath.Join(examplesDir, c.example, "site.cue"))
		if strings.Count(text, c.from) != 1 {
			t.Fatalf("%s has no %s", c.example, c.from)
		}
		old, before := sideOf(t, "old", text)
		new, after := sideOf(t, "new", strings.Replace(text, c.from, c.to, 1))
		rollout := plan.New(diff.Compare(old, new), before.Plan, after.Plan)
		keptApart(t, after.Plan, rollout)
		var b bytes.Buffer
		if err := plan.Markdown(&b, rollout); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), c.want) {
			t.Errorf("%s: no %q in\n%s", c.example, c.want, b.String())
		}
	}
}
