package compiler

import (
	"path/filepath"
	"testing"

	"meshgen.dev/meshgen/compiler/load"
)

// BenchmarkVet is what vet does for the main example, from text to findings.
func BenchmarkVet(b *testing.B) {
	text := []byte(read(b, filepath.Join(examplesDir, "fra1", "site.cue")))
	for b.Loop() {
		src, found := load.Bytes("site.cue", text)
		if src == nil {
			b.Fatal(found)
		}
		if _, err := Vet(src, Options{Now: today}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCompile is what build does for it, all but writing.
func BenchmarkCompile(b *testing.B) {
	text := []byte(read(b, filepath.Join(examplesDir, "fra1", "site.cue")))
	for b.Loop() {
		src, found := load.Bytes("site.cue", text)
		if src == nil {
			b.Fatal(found)
		}
		if out, err := Compile(src, Options{Now: today}); err != nil || out.Findings.HasErrors() {
			b.Fatal(err, out.Findings)
		}
	}
}
