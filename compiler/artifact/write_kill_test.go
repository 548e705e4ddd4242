//go:build linux || darwin

package artifact

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const childVar = "MESHGEN_TEST_WRITE" // "DIR VERSION": write that version into that directory

func TestMain(m *testing.M) {
	if dir, version, ok := strings.Cut(os.Getenv(childVar), " "); ok {
		fmt.Println("ready")
		if _, err := Write(dir, versionTree(version)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// versionTree has files that stay, change, come and go from version to version.
func versionTree(version string) *Tree {
	tr := NewTree()
	for i := range 30 {
		tr.File(fmt.Sprintf("same/%d", i)).Line("same")
		tr.File(fmt.Sprintf("changed/%d/f", i)).Line(version)
		tr.File(fmt.Sprintf("v%s/%d", version, i)).Line(version)
	}
	tr.Seal("x", version)
	return tr
}

func child(t *testing.T, dir, version string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"="+dir+" "+version)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewReader(out)
}

// wholeVersion returns the version whose tree, and nothing but it and the foreign files, the directory holds.
func wholeVersion(t *testing.T, dir string, foreign map[string]string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, ManifestPath("x")))
	if err != nil {
		t.Fatal(err)
	}
	m, err := ReadManifest(data)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for p, s := range foreign {
		want[p] = s
	}
	for _, f := range versionTree(m.Digest).Files() {
		if f.Path() != ManifestPath("x") {
			want[f.Path()] = strings.TrimSuffix(string(f.Bytes()), "\n")
		}
	}
	got := disk(t, dir)
	for p := range want {
		if got[p] != want[p] {
			t.Fatalf("version %s: %s holds %q, want %q", m.Digest, p, got[p], want[p])
		}
		delete(got, p)
	}
	if len(got) > 0 {
		t.Fatalf("version %s: %v besides", m.Digest, got)
	}
	return m.Digest
}

// A build killed at any instant leaves the old tree or the new one, whole, and every foreign file. MESHGEN_KILLS sets
// the number of kills.
func TestWriteKilled(t *testing.T) {
	kills := 60
	if n, err := strconv.Atoi(os.Getenv("MESHGEN_KILLS")); err == nil {
		kills = n
	}
	out := filepath.Join(t.TempDir(), "out")
	foreign := map[string]string{"mine": "m", "changed/mine": "m", "deep/down/mine": "m"}
	put(t, out, foreign)
	if _, err := Write(out, versionTree("0")); err != nil {
		t.Fatal(err)
	}
	// How long a whole one takes decides where the kills fall, not whether the test passes.
	whole := func(version string) time.Duration {
		cmd, ready := child(t, out, version)
		ready.ReadString('\n')
		start := time.Now()
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		return time.Since(start)
	}
	span := max(whole("1"), time.Millisecond)
	last, kept, swapped := "1", 0, 0
	for i := range kills {
		version := strconv.Itoa(i + 2)
		cmd, ready := child(t, out, version)
		ready.ReadString('\n')
		time.Sleep(rand.N(span))
		late := fmt.Sprintf("late/%d", i)
		put(t, out, map[string]string{"stable": "s"}) // a foreign file written during the build
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		killed := cmd.Wait() != nil
		foreign["stable"] = "s"
		// The write above may have hit the old directory just after the swap: then it is in the sibling until the next build.
		if _, err := os.Stat(filepath.Join(out, "stable")); err != nil {
			delete(foreign, "stable")
		}
		now := wholeVersion(t, out, foreign)
		switch {
		case now == last && killed:
			kept++
		case now == version:
			swapped++
		default:
			t.Fatalf("version %s after a kill on the way from %s to %s", now, last, version)
		}
		last = now
		put(t, out, map[string]string{late: "l"})
		foreign[late], foreign["stable"] = "l", "s"
		put(t, out, map[string]string{"stable": "s"})
	}
	t.Logf("%d old trees, %d new ones", kept, swapped)
	if _, err := Write(out, versionTree("end")); err != nil {
		t.Fatal(err)
	}
	if v := wholeVersion(t, out, foreign); v != "end" {
		t.Errorf("version %s, want end", v)
	}
	wantDisk(t, out, disk(t, out)) // nothing is left beside it
}

// A second build waits for the first.
func TestWriteLocks(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	u, err := Open(out)
	if err != nil {
		t.Fatal(err)
	}
	cmd, ready := child(t, out, "2")
	ready.ReadString('\n')
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		t.Fatalf("the second build did not wait: %v", err)
	case <-time.After(50 * time.Millisecond): // a pass can come too early, a failure cannot
	}
	if err := u.Add(versionTree("1")); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Commit(); err != nil {
		t.Fatal(err)
	}
	if v := wholeVersion(t, out, nil); v != "1" {
		t.Errorf("version %s while the first build holds the tree, want 1", v)
	}
	if err := u.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if v := wholeVersion(t, out, nil); v != "2" {
		t.Errorf("version %s, want 2", v)
	}
}
