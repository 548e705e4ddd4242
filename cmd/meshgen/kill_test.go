//go:build linux || darwin

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// files reads everything below a folder.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		name, _ := filepath.Rel(dir, p)
		out[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// twoSites writes two versions of a site, and returns them with the trees that they give. The second has files that
// change, files that are new, and lacks some.
func twoSites(t *testing.T, dir string) (sites []string, trees []map[string]string) {
	t.Helper()
	text := example(t)
	other := strings.NewReplacer(`owner:       "platform-net"`, `owner:       "platform-two"`, `"fra1-r\(r)-w\(n)"`, `"fra1-r\(r)-x\(n)"`,
		`"fra1-r3-w4"`, `"fra1-r3-x4"`, `r3: nodes: "fra1-r3-w4"`, `r3: nodes: "fra1-r3-x4"`, "nodes.fra1-r3-w4", "nodes.fra1-r3-x4").Replace(text)
	for i, s := range []string{text, other} {
		name := fmt.Sprintf("site%d.cue", i)
		put(t, filepath.Join(dir, name), s)
		sites = append(sites, name)
		want := fmt.Sprintf("want%d", i)
		if code, said := process(t, dir, "build", "-o", want, name); code != exitClean {
			t.Fatalf("exit %d\n%s", code, said)
		}
		trees = append(trees, files(t, filepath.Join(dir, want)))
	}
	if maps.Equal(trees[0], trees[1]) || len(trees[0]) < 50 {
		t.Fatal("the two sites give one tree, or none")
	}
	return sites, trees
}

// twoFleets is twoSites for three sites and two of them, of which one has changed.
func twoFleets(t *testing.T, dir string) (sites []string, trees []map[string]string) {
	t.Helper()
	for i := range 2 {
		fleet := filepath.Join(dir, fmt.Sprintf("fleet%d", i))
		generatedFleet(t, fleet, 3-i)
		if i == 1 {
			name := filepath.Join(fleet, "0", "cell0.cue")
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			put(t, name, strings.Replace(string(text), `"platform-net"`, `"platform-two"`, 1))
		}
		sites = append(sites, fleet+"/...")
		want := fmt.Sprintf("want%d", i)
		if code, said := process(t, dir, "build", "-o", want, sites[i]); code != exitClean {
			t.Fatalf("exit %d\n%s", code, said)
		}
		trees = append(trees, files(t, filepath.Join(dir, want)))
	}
	if maps.Equal(trees[0], trees[1]) || len(trees[0]) < 150 {
		t.Fatal("the two fleets give one tree, or none")
	}
	return sites, trees
}

// A build that is killed at any instant leaves the tree wholly old or wholly new, and every foreign file where it was;
// one that appeared meanwhile is there after the next build at the latest. Half of the kills fall anywhere, half into
// the time in which the tree is written. MESHGEN_KILLS sets their number.
func TestBuildKilled(t *testing.T) { killed(t, 40, twoSites) }

// The same holds for the trees of several sites, of which one comes and goes.
func TestFleetKilled(t *testing.T) { killed(t, 20, twoFleets) }

// killed builds two trees in turn and kills most of the builds.
func killed(t *testing.T, kills int, two func(*testing.T, string) ([]string, []map[string]string)) {
	if n, err := strconv.Atoi(os.Getenv("MESHGEN_KILLS")); err == nil {
		kills = n
	}
	dir := t.TempDir()
	sites, trees := two(t, dir)
	out, box := filepath.Join(dir, "out"), filepath.Join(dir, ".out.meshgen")
	foreign := map[string]string{"mine": "m", "kubernetes/mine/deep.yaml": "m", "fabric/fra1/note.txt": "m"}
	for name, body := range foreign {
		put(t, filepath.Join(out, name), body)
	}
	// How long builds take decides where the kills fall, not whether the test passes.
	whole, writing := time.Hour, time.Hour
	for i := range 4 {
		cmd := program(dir, "build", "--prune", "-o", "out", sites[i%2])
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		appeared := waitForNew(box, nil, done)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		whole, writing = min(whole, time.Since(start)), min(writing, time.Since(appeared))
	}
	now, kept, swapped, cut := 1, 0, 0, 0
	for i := range kills {
		next := 1 - now
		left, _ := os.Lstat(box)
		cmd := program(dir, "build", "--prune", "-o", "out", sites[next])
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		if i%2 == 0 {
			time.Sleep(rand.N(whole))
		} else {
			waitForNew(box, left, done)
			time.Sleep(rand.N(writing))
		}
		late := fmt.Sprintf("late/%d", i)
		put(t, filepath.Join(out, late), "l")
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		if err := <-done; err == nil {
			cut--
		}
		cut++
		got := files(t, out)
		if _, ok := got[late]; !ok { // written into the old directory just after the swap
			if _, err := os.Stat(filepath.Join(box, "swap", late)); err != nil {
				t.Fatalf("%s, which appeared during the build, is lost\n%s", late, said.String())
			}
		}
		delete(got, late)
		for name, body := range foreign {
			if got[name] != body {
				t.Fatalf("kill %d: foreign file %s holds %q, want %q\n%s", i, name, got[name], body, said.String())
			}
			delete(got, name)
		}
		switch {
		case maps.Equal(got, trees[now]):
			kept++
		case maps.Equal(got, trees[next]):
			swapped++
			now = next
		default:
			t.Fatalf("kill %d left neither the old tree nor the new one: %s\n%s", i, mixture(got, trees), said.String())
		}
		// What the kill left aside comes back with the next build.
		if _, err := os.Stat(filepath.Join(out, late)); err != nil {
			if code, said := process(t, dir, "build", "--prune", "-o", "out", sites[now]); code != exitClean {
				t.Fatalf("exit %d\n%s", code, said)
			}
		}
		foreign[late] = "l"
	}
	t.Logf("%d kills cut a build short; %d old trees, %d new ones", cut, kept, swapped)
	if code, said := process(t, dir, "build", "--prune", "-o", "out", sites[0]); code != exitClean {
		t.Fatalf("exit %d\n%s", code, said)
	}
	want := maps.Clone(trees[0])
	maps.Copy(want, foreign)
	if got := files(t, out); !maps.Equal(got, want) {
		t.Errorf("after the last build: %s", mixture(got, []map[string]string{want}))
	}
	if _, err := os.Lstat(box); err == nil {
		t.Errorf("%s is still there", box)
	}
}

// waitForNew waits until a path exists, and is not the one that a former build left, or until the process has ended. It
// returns when that was.
func waitForNew(name string, left fs.FileInfo, done chan error) time.Time {
	for {
		if now, err := os.Lstat(name); err == nil && (left == nil || !os.SameFile(now, left) || !now.ModTime().Equal(left.ModTime())) {
			return time.Now()
		}
		select {
		case err := <-done:
			done <- err // for who asks next
			return time.Now()
		case <-time.After(100 * time.Microsecond):
		}
	}
}

// mixture says how a tree differs from others, for people.
func mixture(got map[string]string, trees []map[string]string) string {
	var b strings.Builder
	for i, want := range trees {
		n, example := 0, ""
		for name := range want {
			if body, ok := got[name]; !ok || body != want[name] {
				n, example = n+1, name
			}
		}
		more := 0
		for name := range got {
			if _, ok := want[name]; !ok {
				more, example = more+1, name
			}
		}
		fmt.Fprintf(&b, "tree %d: %d differ, %d besides, such as %s; ", i, n, more, example)
	}
	return b.String()
}
