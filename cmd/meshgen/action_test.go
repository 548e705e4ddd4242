package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestAction runs the steps of the GitHub action as a runner would, but for the installation of Go: each script by bash,
// inputs in its environment.
func TestAction(t *testing.T) {
	text, err := os.ReadFile("../../.github/actions/meshgen/action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var action struct {
		Runs struct {
			Steps []struct {
				ID, Run, Shell string
				Env            map[string]string
			}
		}
	}
	if err := yaml.UnmarshalStrict(withoutMeta(t, text), &action); err != nil {
		t.Fatal(err)
	}
	dir, temp, bin := t.TempDir(), t.TempDir(), t.TempDir()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(bin, "meshgen"), ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	put(t, filepath.Join(dir, "site.cue"), example(t))
	if code, said := process(t, dir, "build", "-o", "out", "site.cue"); code != exitClean {
		t.Fatal(said)
	}
	put(t, filepath.Join(dir, "site.cue"), strings.Replace(example(t), `holdTime:      "9s"`, `holdTime:      "12s"`, 1))

	run := func(id string) (string, error) {
		for _, s := range action.Runs.Steps {
			if s.ID != id {
				continue
			}
			script := filepath.Join(temp, id+".sh")
			put(t, script, s.Run)
			cmd := exec.Command(s.Shell, "-e", "-o", "pipefail", script)
			cmd.Dir = dir
			cmd.Env = append(gitEnv(), "MESHGEN_NOW=2026-12-01", "RUNNER_TEMP="+temp, "GITHUB_OUTPUT="+filepath.Join(temp, "output"),
				"PATH="+bin+":"+os.Getenv("PATH"), "SITES=site.cue", "FAIL_ON=error", "OUTPUT=out")
			out, err := cmd.CombinedOutput()
			return string(out), err
		}
		t.Fatalf("no step %s", id)
		return "", nil
	}
	if out, err := run("vet"); err != nil {
		t.Errorf("vet: %v\n%s", err, out)
	}
	if out, err := run("diff"); err != nil {
		t.Errorf("diff: %v\n%s", err, out)
	}
	for name, want := range map[string]string{"meshgen.sarif": `"2.1.0"`, "meshgen.md": "+  holdTime: 12s", "output": "comment="} {
		got, err := os.ReadFile(filepath.Join(temp, name))
		if err != nil || !strings.Contains(string(got), want) {
			t.Errorf("%s has no %q: %v\n%.500s", name, want, err, got)
		}
	}
	put(t, filepath.Join(dir, "site.cue"), strings.Replace(example(t), `holdTime:      "9s"`, `holdTime:      "8s"`, 1))
	if out, err := run("vet"); err == nil || !strings.Contains(out, "::error file=site.cue,line=39") {
		t.Errorf("vet passes a fault:\n%s", out)
	}
}

// withoutMeta leaves what a step says besides the keys that the test reads.
func withoutMeta(t *testing.T, text []byte) []byte {
	t.Helper()
	var all map[string]any
	if err := yaml.UnmarshalStrict(text, &all); err != nil {
		t.Fatal(err)
	}
	var steps []any
	for _, s := range all["runs"].(map[string]any)["steps"].([]any) {
		step := s.(map[string]any)
		if step["run"] == nil {
			continue
		}
		kept := map[string]any{}
		for _, k := range []string{"id", "run", "shell", "env"} {
			if step[k] != nil {
				kept[k] = step[k]
			}
		}
		steps = append(steps, kept)
	}
	out, err := yaml.Marshal(map[string]any{"runs": map[string]any{"steps": steps}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
