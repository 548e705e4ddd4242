package compiler

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/ir"
)

// upgraded are the examples with an upgrade by steps.
func upgraded(t *testing.T) []string {
	t.Helper()
	var out []string
	for name, dir := range written(t) {
		if _, err := os.Stat(filepath.Join(dir, "charts", name, "upgrade.sh")); err == nil {
			out = append(out, name)
		}
	}
	if slices.Sort(out); len(out) == 0 {
		t.Fatal("no example has an upgrade by steps")
	}
	return out
}

// TestUpgradeScript takes every step of each example, forwards and back, where all is well: each looks before it changes
// something, what --dry-run shows is what it does, and --check changes nothing.
func TestUpgradeScript(t *testing.T) {
	real(t, "bash")
	for _, name := range upgraded(t) {
		plan := compileExample(t, name).Plan
		script := filepath.Join(written(t)[name], "charts", name, "upgrade.sh")
		for _, s := range plan.Upgrade.Steps {
			t.Run(name+"/"+s.Name, func(t *testing.T) {
				fake := fakeUpgrade(t, name)
				take := func(args ...string) []string {
					t.Helper()
					calls, said, err := install(t, fake, script, "lab", append(args, s.Name)...)
					if err != nil {
						t.Fatalf("%v: %v\n%s", args, err, said)
					}
					for _, c := range calls[1:] {
						if !strings.Contains(c, "context lab") {
							t.Errorf("%s is of no cluster", c)
						}
					}
					return calls[1:] // the first asks for the context
				}
				checks, calls, back := take("--check"), take(), take("--back")
				if len(checks) != len(s.Before) || len(calls) != len(s.Before)+len(s.Run) || len(back) != len(s.Back) {
					t.Errorf("%d checks, %d calls and %d back, not %d, %d and %d", len(checks), len(calls), len(back), len(s.Before), len(s.Before)+len(s.Run), len(s.Back))
				}
				if !slices.Equal(calls[:len(checks)], checks) {
					t.Errorf("it does not begin with its checks:\n%s", strings.Join(calls, "\n"))
				}
				_, said, err := install(t, fake, script, "lab", "--dry-run", s.Name)
				for _, c := range calls {
					if shown := strings.ReplaceAll(said, `\`, ""); err != nil || !strings.Contains(shown, "+ "+strings.ReplaceAll(c, `\`, "")+"\n") {
						t.Errorf("--dry-run does not show %q: %v\n%s", c, err, said)
					}
				}
			})
		}
	}
}

// TestUpgradeRefuses breaks one thing at a time: nothing is changed then.
func TestUpgradeRefuses(t *testing.T) {
	real(t, "bash")
	script := filepath.Join(written(t)["wro1"], "charts", "wro1", "upgrade.sh")
	for _, c := range []struct {
		name, context string
		args          []string
		refuse        string // a word of a call that fails
		says          string
	}{
		{"no step", "lab", nil, "", "usage:"},
		{"unknown step", "lab", []string{"all"}, "", "there is no step 'all'"},
		{"two steps", "lab", []string{"preflight", "agents"}, "", "one step at a time"},
		{"unknown option", "lab", []string{"--force", "agents"}, "", "usage:"},
		{"no context", "", []string{"agents"}, "", "MESHGEN_CONTEXT"},
		{"another context", "prod", []string{"agents"}, "", "which cluster is meant"},
		{"agents that are not well", "lab", []string{"agents"}, "daemonset_cilium", "the step agents may not begin"},
		{"a proxy that is not well", "lab", []string{"proxies"}, "k8s-app=cilium-envoy", "the step proxies may not begin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake := fakeUpgrade(t, "wro1")
			if c.refuse != "" {
				if err := os.WriteFile(filepath.Join(fake, "refuse", c.refuse), []byte("1\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			calls, said, err := install(t, fake, script, c.context, c.args...)
			if all := strings.Join(calls, "\n"); err == nil || !strings.Contains(said, c.says) || strings.Contains(all, "helm") {
				t.Errorf("%v, it says\n%s\nand calls\n%s", err, said, all)
			}
		})
	}
}

// fakeUpgrade is fakeCluster with the programs of the meshes beside kubectl and helm.
func fakeUpgrade(t *testing.T, name string) string {
	t.Helper()
	return fakePrograms(t, compileExample(t, name).Plan)
}

// fakePrograms is the same for any plan.
func fakePrograms(t *testing.T, p *ir.Plan) string {
	t.Helper()
	fake := fakeCluster(t, p)
	for _, program := range []string{"linkerd", "consul-k8s"} {
		text := strings.ReplaceAll(fakeHelm, "helm", program)
		if err := os.WriteFile(filepath.Join(fake, "bin", program), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return fake
}
