//go:build linux

package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// mount puts an empty tmpfs at a new directory and returns it, or skips where the system does not let us.
func mount(t *testing.T, options string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mount")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
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
	return dir
}

// refused builds where that cannot work: one line, exit 3, and nothing but what was there before.
func refused(t *testing.T, dir, site, out, want string) {
	t.Helper()
	before := files(t, dir)
	code, said := process(t, dir, "build", "-o", out, site)
	if code != exitFailure || strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "meshgen: ") || !strings.Contains(said, want) {
		t.Errorf("exit %d\n%s\nwant exit %d and one line with %q", code, said, exitFailure, want)
	}
	if after := files(t, dir); !maps.Equal(before, after) {
		t.Error("something has changed: " + mixture(after, []map[string]string{before}))
	}
}

func TestBuildRefusesPlaces(t *testing.T) {
	dir := t.TempDir()
	sites, _ := twoSites(t, dir)
	put(t, filepath.Join(dir, "file"), "mine")
	put(t, filepath.Join(dir, "taken/fabric/fra1"), "mine")
	for _, tt := range []struct{ out, want string }{
		{"file", "is a file, not a directory"},
		{"file/below", "file"},
		{"taken", "not written by meshgen, and in its way: "},
		{"/", "cannot be an output directory"},
		{"/proc/meshgen-out", "/proc"},
	} {
		refused(t, dir, sites[0], tt.out, tt.want)
	}
}

// A link is followed; one that leads nowhere is refused.
func TestBuildThroughLink(t *testing.T) {
	dir := t.TempDir()
	sites, trees := twoSites(t, dir)
	put(t, filepath.Join(dir, "real/mine"), "m")
	if err := os.Symlink("real", filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	for i, site := range sites {
		if code, said := process(t, dir, "build", "-o", "out", site); code != exitClean {
			t.Fatalf("exit %d\n%s", code, said)
		}
		want := maps.Clone(trees[i])
		want["mine"] = "m"
		if got := files(t, filepath.Join(dir, "real")); !maps.Equal(got, want) {
			t.Error(mixture(got, []map[string]string{want}))
		}
		if to, err := os.Readlink(filepath.Join(dir, "out")); err != nil || to != "real" {
			t.Errorf("the link leads to %q, %v", to, err)
		}
	}
	for name, to := range map[string]string{"dangling": "nowhere", "circle": "circle"} {
		link := filepath.Join(t.TempDir(), name)
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
		if code, said := process(t, dir, "build", "-o", link, sites[0]); code != exitFailure || strings.Count(said, "\n") != 1 {
			t.Errorf("%s: exit %d\n%s", name, code, said)
		}
	}
}

func TestBuildReadOnly(t *testing.T) {
	dir := mount(t, "")
	site := filepath.Join(t.TempDir(), "site.cue")
	put(t, site, example(t))
	if code, said := process(t, dir, "build", "-o", "old", site); code != exitClean {
		t.Fatalf("exit %d\n%s", code, said)
	}
	put(t, site, strings.Replace(example(t), `"platform-net"`, `"platform-two"`, 1))
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, site, "new", "read-only file system")
	refused(t, dir, site, "old", "read-only file system")
}

// A disk that fills up keeps the old tree whole.
func TestBuildFullDisk(t *testing.T) { fullDisk(t, twoSites) }

// It keeps the trees of all sites of a fleet.
func TestFleetFullDisk(t *testing.T) { fullDisk(t, twoFleets) }

func fullDisk(t *testing.T, two func(*testing.T, string) ([]string, []map[string]string)) {
	dir := mount(t, "size=4m")
	sites := t.TempDir()
	names, trees := two(t, sites)
	for i := range names {
		if !filepath.IsAbs(names[i]) {
			names[i] = filepath.Join(sites, names[i])
		}
	}
	if code, said := process(t, dir, "build", "--prune", "-o", "out", names[0]); code != exitClean {
		t.Fatalf("exit %d\n%s", code, said)
	}
	fill := filepath.Join(dir, "fill")
	f, err := os.Create(fill)
	if err != nil {
		t.Fatal(err)
	}
	page := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(page)
	}
	f.Close()
	// Full at the first byte, then a little later each time, until it fits.
	for size, done := fileSize(t, fill), false; !done; size -= 20 * int64(len(page)) {
		if size < 0 {
			t.Fatal("it never fits")
		}
		if err := os.Truncate(fill, size); err != nil {
			t.Fatal(err)
		}
		code, said := process(t, dir, "build", "--prune", "-o", "out", names[1])
		got := files(t, filepath.Join(dir, "out"))
		switch done = code == exitClean; {
		case done && !maps.Equal(got, trees[1]):
			t.Fatal(mixture(got, trees))
		case !done && (code != exitFailure || strings.Count(said, "\n") != 1 || !strings.Contains(said, "no space left on device") || !maps.Equal(got, trees[0])):
			t.Fatalf("exit %d\n%s%s", code, said, mixture(got, trees))
		}
		if _, err := os.Lstat(filepath.Join(dir, ".out.meshgen")); err == nil {
			t.Fatal("a hidden sibling stays")
		}
	}
}

func fileSize(t *testing.T, name string) int64 {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// At a mount point there can be no swap: build says so, and replaces file by file.
func TestBuildMountPoint(t *testing.T) {
	out := mount(t, "")
	dir := t.TempDir()
	sites, trees := twoSites(t, dir)
	put(t, filepath.Join(out, "mine"), "m")
	for i, site := range sites {
		code, said := process(t, dir, "build", "-o", out, site)
		if code != exitClean || !strings.Contains(said, "replaced file by file, not in one swap: ") {
			t.Fatalf("exit %d\n%s", code, said)
		}
		want := maps.Clone(trees[i])
		want["mine"] = "m"
		if got := files(t, out); !maps.Equal(got, want) {
			t.Error(mixture(got, []map[string]string{want}))
		}
	}
}
