// Package examples embeds the example sites, so that `meshgen init` can start from one. It comes from files and goes
// to the command; the sites are compiled by the tests of package compiler.
package examples

import (
	"embed"
	"io/fs"
	"path"
)

//go:embed */site.cue
var files embed.FS

// Names returns the examples, sorted.
func Names() []string {
	found, _ := fs.Glob(files, "*/site.cue") // the pattern is well formed
	for i, f := range found {
		found[i] = path.Dir(f)
	}
	return found
}

// Site returns the text of an example's site.cue.
func Site(name string) ([]byte, bool) {
	text, err := files.ReadFile(path.Join(name, "site.cue"))
	return text, err == nil
}
