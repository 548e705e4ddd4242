package load

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"cuelang.org/go/cue/ast"
)

// Outline is what a file says of itself before anything is evaluated.
type Outline struct {
	Package string // of CUE; "" for none
	Site    bool   // it describes a site: it gives an apiVersion, of ours where it is not CUE, or imports the schema, or cannot be read, so that loading it says why
	Named   bool   // it gives a name: it describes one site rather than what several have in common
}

// ourVersion is how a file of YAML or JSON says that it is a site.
var ourVersion = regexp.MustCompile(`(?m)(^apiVersion|"apiVersion")[ \t]*:[ \t]*["']?meshgen\.dev/`)

// OutlineOf reads a file of one of the formats that a site may have.
func OutlineOf(name string) Outline {
	data, err := readOne(func() (io.ReadCloser, error) {
		if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
			return nil, os.ErrInvalid
		}
		return os.Open(name)
	}, new(int64(MaxSize)))
	if err != nil {
		return Outline{Site: true}
	}
	f := file{name: filepath.ToSlash(name), data: data}
	if f.ext() != ".cue" { // most are somebody else's, in forms that no site has
		return Outline{Site: ourVersion.Match(data)}
	}
	syntax, faults := parseOne(f)
	if syntax == nil || len(faults) > 0 {
		return Outline{Site: true}
	}
	out := Outline{Package: syntax.PackageName()}
	for imp := range syntax.ImportSpecs() {
		out.Site = out.Site || imp.Path.Value == strconv.Quote(schemaPath)
	}
	for _, d := range syntax.Decls {
		field, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		switch label, _, _ := ast.LabelName(field.Label); label {
		case "apiVersion":
			out.Site = true
		case "name":
			out.Named = true
		}
	}
	return out
}
