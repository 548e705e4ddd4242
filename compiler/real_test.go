package compiler

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
)

// real returns the path of a program that reads our files in earnest. Where it is missing the test is skipped by name,
// but for MESHGEN_REAL=require, which CI sets: there nothing is skipped.
func real(t *testing.T, program string) string {
	t.Helper()
	p, err := exec.LookPath(program)
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if err != nil {
			p, err = exec.LookPath(filepath.Join(dir, program))
		}
	}
	if err != nil {
		if os.Getenv("MESHGEN_REAL") == "require" {
			t.Fatalf("%s is not installed, and MESHGEN_REAL=require", program)
		}
		t.Skipf("%s is not installed", program)
	}
	return p
}

// written is each example's tree on disk, by name.
func written(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range exampleNames(t) {
		dir := filepath.Join(t.TempDir(), "out")
		if _, err := artifact.Write(dir, compileExample(t, name).Tree); err != nil {
			t.Fatal(err)
		}
		out[name] = dir
	}
	return out
}

// eachMatch runs a program on every file of the trees that matches a pattern, and fails where none does.
func eachMatch(t *testing.T, pattern string, run func(t *testing.T, file string)) {
	t.Helper()
	n := 0
	for name, dir := range written(t) {
		err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			rel, _ := filepath.Rel(dir, p)
			if ok, _ := path.Match(pattern, filepath.ToSlash(rel)); ok {
				n++
				t.Run(name+"/"+filepath.ToSlash(rel), func(t *testing.T) { run(t, p) })
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n == 0 {
		t.Fatalf("no file matches %s", pattern)
	}
}

func runs(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestRealChrony(t *testing.T) {
	chronyd := real(t, "chronyd")
	for _, pattern := range []string{"hosts/*/*/etc/chrony/chrony.conf", "hosts/*/*/etc/chrony.conf"} {
		eachMatch(t, pattern, func(t *testing.T, file string) {
			if text := runs(t, chronyd, "-p", "-f", file); !strings.Contains(text, "server ") {
				t.Errorf("chronyd read no server:\n%s", text)
			}
		})
	}
}

func TestRealFRR(t *testing.T) {
	vtysh := real(t, "vtysh")
	for _, glob := range []string{"fabric/*/*.conf", "fabric/*/*.sonic"} {
		eachMatch(t, glob, func(t *testing.T, file string) {
			// After one "exit" too many vtysh knows no command and succeeds all the same.
			if text := runs(t, vtysh, "-C", "-f", file); strings.Contains(text, "Unknown command") {
				t.Errorf("vtysh -C -f %s:\n%s", file, text)
			}
		})
	}
}

// someHelm stands for helm: one whose chart makes a Deployment by the name of the release.
const someHelm = `#!/bin/sh
case $1 in
version) echo v3.19.4 ;;
pull) ;;
template) printf 'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: %s\nspec:\n  template:\n    spec:\n      containers: []\n' "$2" ;;
*) exit 1 ;;
esac
`

// renders has a chart rendered and patched, as Argo CD does.
func renders(t *testing.T, program []string, chart string) {
	t.Helper()
	helm := filepath.Join(t.TempDir(), "helm")
	if err := os.WriteFile(helm, []byte(someHelm), 0o755); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(chart)
	text := runs(t, program[0], append(program[1:len(program):len(program)], "--enable-helm", "--helm-command", helm, dir)...)
	if !strings.Contains(text, "name: "+filepath.Base(dir)+"\n") || !strings.Contains(text, "priorityClassName: system-cluster-critical") {
		t.Errorf("%s makes of %s\n%s", program[0], chart, text)
	}
}

// TestRealKustomize builds each overlay with the kustomize of its own release, and with kubectl's where it is there.
func TestRealKustomize(t *testing.T) {
	programs := [][]string{{"go", "tool", "kustomize", "build"}}
	if kubectl, err := exec.LookPath("kubectl"); err == nil {
		programs = append(programs, []string{kubectl, "kustomize"})
	}
	for name, dir := range written(t) {
		charts, _ := filepath.Glob(filepath.Join(dir, "charts", name, "*", "kustomization.yaml"))
		for _, p := range programs {
			for _, chart := range charts { // what Flux makes of a release: its values beside what installs it
				if strings.Contains(read(t, chart), "\nhelmCharts:\n") {
					renders(t, p, chart)
					continue
				}
				text := runs(t, p[0], append(p[1:len(p):len(p)], filepath.Dir(chart))...)
				if !strings.Contains(text, "\nkind: ConfigMap\n") || !strings.Contains(text, "\nkind: HelmRelease\n") {
					t.Errorf("%s: %s gives of %s no values, or no release", name, p[0], filepath.Base(filepath.Dir(chart)))
				}
			}
			overlay := filepath.Join(dir, "kubernetes", "overlays", name)
			text := runs(t, p[0], append(p[1:len(p):len(p)], overlay)...)
			if n := strings.Count(text, "\nkind: "); n < 20 {
				t.Errorf("%s: %s gives %d objects", name, p[0], n)
			}
		}
	}
}
