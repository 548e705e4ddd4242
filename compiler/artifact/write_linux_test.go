package artifact

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// mount puts an empty tmpfs at a new directory, or skips where the system does not let us.
func mount(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
		if os.Getenv("MESHGEN_REAL") == "require" {
			t.Fatal(err)
		}
		t.Skip("needs the right to mount:", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
}

func TestWriteMountPoint(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	mount(t, out)
	first := map[string]string{"a": "1", "gone/deep/f": "1", "shape": "1", "same": "1", "turn/f": "1"}
	r := write(t, out, tree(t, "x", first))
	if want := (Result{Written: 6, Fallback: out + " is a mount point"}); r != want {
		t.Errorf("%+v, want %+v", r, want)
	}
	wantDisk(t, out, first)

	put(t, out, map[string]string{"gone/mine": "m"})
	second := map[string]string{"a": "2", "new": "2", "shape/f": "2", "same": "1", "turn": "2"}
	r = write(t, out, tree(t, "x", second))
	if want := (Result{Written: 5, Unchanged: 1, Deleted: 3, Foreign: 1, Fallback: r.Fallback}); r != want || r.Fallback == "" {
		t.Errorf("%+v, want %+v and a reason", r, want)
	}
	second["gone/mine"] = "m"
	wantDisk(t, out, second)
	if _, err := os.Stat(filepath.Join(out, "gone/deep")); err == nil {
		t.Error("an empty directory of ours stayed")
	}
}

// A replacement file by file that was killed half way is seen by Check and repaired by the next build, whatever that
// build wants to write.
func TestWriteMountPointKilled(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	mount(t, out)
	write(t, out, tree(t, "x", map[string]string{"a": "1", "b": "1", "old": "1"}))
	u, err := Open(out)
	if err != nil {
		t.Fatal(err)
	}
	half := tree(t, "x", map[string]string{"a": "2", "b": "2", "half": "2"})
	if err := u.Add(half); err != nil {
		t.Fatal(err)
	}
	if _, err := u.cmp.settle(); err != nil {
		t.Fatal(err)
	}
	for waiting, name := range map[string]string{nextManifest("x"): ManifestPath("x"), "a": "a", "half": "half"} {
		if err := u.place(name, waiting); err != nil {
			t.Fatal(err)
		}
	}
	put(t, out, map[string]string{".b" + temporarySuffix: "cut off"})
	if err := u.unlock(); err != nil { // as the kill does
		t.Fatal(err)
	}
	if c, err := Check(out, half); err != nil || c.Empty() {
		t.Errorf("check of the mixture: %v, %v", c, err)
	}
	write(t, out, tree(t, "x", map[string]string{"a": "3", "half": "3"}))
	wantDisk(t, out, map[string]string{"a": "3", "half": "3"})
	if c, err := Check(out, tree(t, "x", map[string]string{"a": "3", "half": "3"})); err != nil || !c.Empty() {
		t.Errorf("check after the repair: %v, %v", c, err)
	}
}

// A mount inside the output directory cannot be linked from beside it.
func TestWriteMountInside(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	mount(t, filepath.Join(out, "sub"))
	put(t, out, map[string]string{"sub/mine": "m"})
	r := write(t, out, tree(t, "x", map[string]string{"a": "1", "sub/f": "1"}))
	if !strings.HasPrefix(r.Fallback, "sub/mine cannot be linked: ") {
		t.Errorf("fallback %q", r.Fallback)
	}
	wantDisk(t, out, map[string]string{"a": "1", "sub/f": "1", "sub/mine": "m"})
}

// Somebody who may write the output directory but not its parent builds file by file.
func TestWriteReadOnlyParent(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	put(t, out, map[string]string{"mine": "m"})
	const nobody = 65534
	if os.Getuid() == 0 { // root may write everywhere: take another's rights, on this thread alone
		for _, p := range []string{out, filepath.Join(out, "mine")} {
			if err := os.Chown(p, nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
			t.Fatal(err)
		}
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if _, err := unix.SetfsuidRetUid(nobody); err != nil {
			t.Fatal(err)
		}
		defer unix.SetfsuidRetUid(0)
	} else {
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(dir, 0o755)
	}
	for _, v := range []string{"1", "2"} {
		r := write(t, out, tree(t, "x", map[string]string{"a": v, "d/same": "1"}))
		if want := "no directory can be made beside " + out; r.Fallback != want {
			t.Errorf("fallback %q, want %q", r.Fallback, want)
		}
		wantDisk(t, out, map[string]string{"a": v, "d/same": "1", "mine": "m"})
	}
}
