package format

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/url"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/diag"
)

// SARIFOptions say what a log holds besides the findings.
type SARIFOptions struct {
	Version string                   // of meshgen; "" when unknown
	Rules   []Rule                   // the catalogue
	Source  func(file string) []byte // content of a file named in a position, nil when unknown; may be nil
}

// SARIF prints a log of SARIF 2.1.0 with one run: the catalogue, and every finding as a result, waived ones as suppressed
// in the source. Columns count code points and are left out where the line is unknown.
func SARIF(w io.Writer, l diag.List, opt SARIFOptions) error {
	p := sarifPrinter{src: newSource(opt.Source), index: map[string]int{}, seen: map[string]int{}}
	driver := sarifDriver{Name: "meshgen", Version: opt.Version, Rules: []sarifRule{}}
	for i, r := range opt.Rules {
		p.index[r.ID] = i
		driver.Rules = append(driver.Rules, sarifRule{
			ID: r.ID, Name: r.Name, Short: sarifText{r.Title}, Full: sarifText{r.Doc},
			Help:    sarifText{strings.TrimSpace(r.Doc + "\n\nmeshgen explain " + r.ID)},
			Default: sarifConfiguration{r.Severity.String()},
		})
	}
	results := []sarifResult{}
	for _, f := range l.Sorted() {
		results = append(results, p.result(f))
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{{Tool: sarifTool{driver}, ColumnKind: "unicodeCodePoints", Results: results}},
	})
	if err != nil {
		return err
	}
	_, err = w.Write(out.Bytes())
	return err
}

type sarifPrinter struct {
	src   *source
	index map[string]int // of each rule in the catalogue
	seen  map[string]int // how often each fingerprint was given
}

func (p *sarifPrinter) result(f diag.Finding) sarifResult {
	r := sarifResult{
		RuleID: f.Rule, Level: f.Severity.String(), Message: sarifText{message(f)},
		Fingerprints: map[string]string{"rulePath/v1": p.fingerprint(f)},
		Suppressions: []sarifSuppression{}, // empty, not missing: it says that nothing suppresses the result
	}
	if i, ok := p.index[f.Rule]; ok {
		r.RuleIndex = &i
	}
	if place := p.location(f.Pos, f.Path); place != nil {
		r.Locations = []sarifLocation{*place}
	}
	for _, other := range f.Related {
		place := p.location(other.Pos, other.Path)
		if place == nil {
			place = &sarifLocation{}
		}
		place.Message = &sarifText{plain(other.Message)}
		r.Related = append(r.Related, *place)
	}
	if fix := f.Fix; fix != nil && fix.Edit.File != "" {
		r.Fixes = []sarifFix{{
			Description: sarifText{plain(fix.Message)},
			Changes: []sarifChange{{
				Artifact: artifactAt(fix.Edit.File),
				Replacements: []sarifReplacement{{
					Deleted:  sarifBytes{fix.Edit.Start, fix.Edit.End - fix.Edit.Start},
					Inserted: sarifText{fix.Edit.New},
				}},
			}},
		}}
	}
	if f.Waived != "" {
		r.Suppressions = append(r.Suppressions, sarifSuppression{"inSource", "accepted", f.Waived})
	}
	return r
}

// fingerprint holds while lines move: it is made of the rule and the site path, and of the message where there is no path.
// A second finding of the same gets a number.
func (p *sarifPrinter) fingerprint(f diag.Finding) string {
	key := f.Rule + "\x00" + f.Path
	if f.Path == "" {
		key += "\x00" + f.Pos.File + "\x00" + f.Message
	}
	sum := sha256.Sum256([]byte(key))
	id := hex.EncodeToString(sum[:16])
	p.seen[id]++
	return id + ":" + strconv.Itoa(p.seen[id])
}

// location is nil when neither position nor path is known.
func (p *sarifPrinter) location(pos diag.Pos, path string) *sarifLocation {
	var out sarifLocation
	if path != "" {
		out.Logical = []sarifLogical{{path}}
	}
	if pos.IsValid() {
		out.Physical = &sarifPhysical{Artifact: artifactAt(pos.File)}
		if pos.Line > 0 {
			out.Physical.Region = &sarifRegion{pos.Line, p.src.column(pos)}
		}
	}
	if out.Physical == nil && out.Logical == nil {
		return nil
	}
	return &out
}

// message is the finding in plain text, its hint as a second paragraph.
func message(f diag.Finding) string {
	text := clean(f.Message)
	if f.Hint != "" {
		text += "\n\nHint: " + clean(f.Hint)
	}
	return unlinked(text)
}

// plain is a text of one line that holds no link.
func plain(s string) string { return unlinked(clean(s)) }

// unlinked keeps "[a](b)" from being read as a link.
func unlinked(s string) string { return strings.ReplaceAll(s, "](", "] (") }

// artifactAt is the URI of a file as the user named it; relative ones are left to the reader, who knows the root.
func artifactAt(file string) sarifArtifact {
	if strings.HasPrefix(file, "/") {
		return sarifArtifact{URI: (&url.URL{Scheme: "file", Path: file}).String()}
	}
	return sarifArtifact{URI: (&url.URL{Path: file}).String(), Base: "%SRCROOT%"}
}
