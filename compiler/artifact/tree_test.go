package artifact

import (
	"slices"
	"strings"
	"testing"
)

func TestTreeRefusesPaths(t *testing.T) {
	tests := []struct {
		name  string
		paths []string
		want  string // in the error; "" for none
	}{
		{"fine", []string{"a/b", "a/c", "b"}, ""},
		{"twice", []string{"a/b", "a/b"}, "twice"},
		{"absolute", []string{"/a"}, "clean relative"},
		{"parent", []string{"a/../../b"}, "clean relative"},
		{"unclean", []string{"a//b"}, "clean relative"},
		{"empty", []string{""}, "clean relative"},
		{"top", []string{"."}, "clean relative"},
		{"backslash", []string{`a\b`}, "clean relative"},
		{"newline", []string{"a\nb"}, "clean relative"},
		{"file where a directory is", []string{"a/b/c", "a/b"}, "a directory"},
		{"file where the top directory is", []string{"a/b/c", "a"}, "a directory"},
		{"directory where a file is", []string{"a", "a/b/c"}, "a directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := NewTree()
			for _, p := range tt.paths {
				tree.File(p).Line("x") // must not panic, whatever the path
			}
			err := tree.Err()
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want one with %q", err, tt.want)
			}
			if got := len(tree.Files()); got != len(tt.paths)-1 {
				t.Errorf("%d files in the tree, want the refused one left out", got)
			}
		})
	}
}

func TestTreeFilesSorted(t *testing.T) {
	tree := NewTree()
	for _, p := range []string{"b", "a/z", "a/b/c"} {
		tree.File(p)
	}
	var got []string
	for _, f := range tree.Files() {
		got = append(got, f.Path())
	}
	if want := []string{"a/b/c", "a/z", "b"}; !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	if tree.Lookup("a/z") == nil || tree.Lookup("a") != nil {
		t.Error("Lookup finds files and nothing else")
	}
}

func TestOrigins(t *testing.T) {
	f := NewTree().File("f", "site")
	f.Header("#", "x")
	f.From("net/asn", "racks.r1.asn", "site")
	f.Line("asn 1\nasn 2")
	f.Linef("asn %d", 3)
	f.Fixed()
	f.Line("fixed")
	f.Begin("vips.web")
	f.Line("object")
	f.From("", "vips.web.port")
	f.Blank()

	want := []Origin{
		{"", []string{"site"}},
		{"net/asn", []string{"racks.r1.asn", "site"}},
		{"net/asn", []string{"racks.r1.asn", "site"}},
		{"net/asn", []string{"racks.r1.asn", "site"}},
		{"", []string{"site"}},
		{"", []string{"vips.web"}},
		{"", []string{"vips.web.port", "vips.web"}},
	}
	for i, w := range want {
		got, ok := f.Origin(i + 1)
		if !ok || got.Why != w.Why || !slices.Equal(got.Paths, w.Paths) {
			t.Errorf("line %d: origin %v %v, want %v", i+1, got, ok, w)
		}
	}
	for _, line := range []int{-1, 0, len(want) + 1} {
		if o, ok := f.Origin(line); ok {
			t.Errorf("line %d has origin %v, want none", line, o)
		}
	}
	if got, want := strings.Count(string(f.Bytes()), "\n"), len(want); got != want {
		t.Errorf("%d lines written, want %d", got, want)
	}
	all := []string{"racks.r1.asn", "site", "vips.web", "vips.web.port"}
	if got := f.Origins(); !slices.Equal(got, all) {
		t.Errorf("origins %q, want %q", got, all)
	}
	if got := len(f.runs); got != 5 {
		t.Errorf("%d runs stored for %d lines of 5 origins", got, len(want))
	}
}

func TestOriginsOfUnwrittenCursor(t *testing.T) {
	f := NewTree().File("f", "site")
	f.Begin("never")
	f.From("", "shown")
	f.Begin("object")
	f.Line("x")
	if got, want := f.Origins(), []string{"object", "site"}; !slices.Equal(got, want) {
		t.Errorf("origins %q, want %q: a cursor without a line is no origin", got, want)
	}
}
