package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPreCommit runs the hooks of this repository by pre-commit itself, on a scratch repository: it builds meshgen as
// it would for a user, from a commit.
func TestPreCommit(t *testing.T) {
	if _, err := exec.LookPath("pre-commit"); err != nil {
		if os.Getenv("MESHGEN_REAL") == "require" {
			t.Fatal("pre-commit is not installed, and MESHGEN_REAL=require")
		}
		t.Skip("pre-commit is not installed")
	}
	hooks := hookRepository(t)
	dir := t.TempDir()
	site := example(t)
	other := "package notes\n\nremarks: \"no site\"\n"
	put(t, filepath.Join(dir, "site.cue"), site)
	put(t, filepath.Join(dir, "notes/notes.cue"), other)
	put(t, filepath.Join(dir, ".pre-commit-config.yaml"), "repos:\n- repo: "+hooks+"\n  rev: v1.0.0\n  hooks:\n  - id: meshgen-vet\n  - id: meshgen-fmt\n  - id: meshgen-build-check\n")
	git(t, dir, "init", "-q")
	git(t, dir, "add", ".")

	run := func(hook string, args ...string) (string, bool) {
		t.Helper()
		cmd := exec.Command("pre-commit", append([]string{"run", hook, "--verbose"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(gitEnv(), "PRE_COMMIT_HOME="+filepath.Join(hooks, "..", "cache"), "GOMODCACHE="+goEnv(t, "GOMODCACHE"), "GOFLAGS=-buildvcs=false",
			"MESHGEN_NOW=2026-12-01")
		out, err := cmd.CombinedOutput()
		return string(out), err == nil
	}
	passes := func(hook string, args ...string) {
		t.Helper()
		if out, ok := run(hook, args...); !ok || !strings.Contains(out, "Passed") {
			t.Errorf("%s %v does not pass:\n%s", hook, args, out)
		}
	}
	fails := func(want, hook string, args ...string) {
		t.Helper()
		if out, ok := run(hook, args...); ok || !strings.Contains(out, want) {
			t.Errorf("%s %v does not fail with %q:\n%s", hook, args, want, out)
		}
	}
	passes("meshgen-vet", "--all-files")
	passes("meshgen-fmt", "--all-files")
	put(t, filepath.Join(dir, "site.cue"), strings.Replace(site, `holdTime:      "9s"`, `holdTime:      "8s"`, 1))
	fails("MG1007", "meshgen-vet", "--files", "site.cue")
	put(t, filepath.Join(dir, "notes/notes.cue"), "package notes\nremarks:   \"no site\"\n")
	fails("notes/notes.cue", "meshgen-fmt", "--files", "notes/notes.cue")
	put(t, filepath.Join(dir, "site.cue"), site)
	fails("add out/", "meshgen-build-check", "--files", "site.cue")
	if code, said := process(t, dir, "build", "-o", "out", "site.cue"); code != exitClean {
		t.Fatal(said)
	}
	passes("meshgen-build-check", "--files", "site.cue")
}

// hookRepository is this checkout as a repository with one commit.
func hookRepository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "meshgen")
	list := exec.Command("git", "ls-files", "-co", "--exclude-standard", "-z")
	list.Dir = root
	files, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.Trim(string(files), "\x00"), "\x00") {
		if strings.HasPrefix(name, "golden/") {
			continue // nothing of it is built
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			continue // deleted, and not yet committed
		}
		put(t, filepath.Join(dir, name), string(text))
	}
	git(t, dir, "init", "-q")
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "-m", "hooks")
	git(t, dir, "tag", "v1.0.0")
	return dir
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = gitEnv()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// gitEnv is the environment without what a surrounding git process may have set, and with an author.
func gitEnv() []string {
	var out []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "GIT_") && !strings.HasPrefix(kv, "MESHGEN_") {
			out = append(out, kv)
		}
	}
	return append(out, "GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.net", "GIT_COMMITTER_NAME=test",
		"GIT_COMMITTER_EMAIL=test@example.net", "GIT_CONFIG_GLOBAL=/dev/null")
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
