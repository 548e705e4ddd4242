package artifact

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// OutputVersion is the version of the output contract: the layout of the tree and the form of the manifest. It grows
// when a consumer that read the former version could misread the new one.
const OutputVersion = 1

// ManifestDir is the folder of the manifests, one for each site: meshgen/<site>.json.
const ManifestDir = "meshgen"

// Manifest lists what a build of one site wrote. It holds nothing that a comment in the site or another build of the
// tool would change. Later builds delete what it lists, and nothing else.
type Manifest struct {
	Site          string          `json:"site"`
	OutputVersion int             `json:"outputVersion"`
	Digest        string          `json:"digest"` // sha256 of the resolved site, in hex
	Files         []ManifestEntry `json:"files"`  // sorted by path, without the manifest itself
}

// ManifestEntry is one file of a manifest.
type ManifestEntry struct {
	Path    string   `json:"path"`
	SHA256  string   `json:"sha256"`            // of the content, in hex
	Mode    string   `json:"mode,omitempty"`    // "0755" when executable
	Origins []string `json:"origins,omitempty"` // site paths behind the file
}

// ManifestPath returns where the manifest of a site stands.
func ManifestPath(site string) string { return ManifestDir + "/" + site + ".json" }

// Seal adds the manifest and closes the tree: no file may be added after it. The digest is the sha256 of the resolved
// site in hex.
func (t *Tree) Seal(site, digest string) {
	m := Manifest{Site: site, OutputVersion: OutputVersion, Digest: digest, Files: []ManifestEntry{}}
	for _, f := range t.Files() {
		f.sum = sha256.Sum256(f.data)
		e := ManifestEntry{Path: f.path, SHA256: hex.EncodeToString(f.sum[:]), Origins: f.Origins()}
		if f.exec {
			e.Mode = "0755"
		}
		m.Files = append(m.Files, e)
	}
	f := t.File(ManifestPath(site))
	f.data = m.encode()
	f.end(1 + bytes.Count(f.data, []byte("\n")))
	f.sum = sha256.Sum256(f.data)
	t.site, t.sealed = site, true
}

// encode returns the manifest as encoding/json would indent it by two spaces, origins and names for people to read, but
// without the copies that it makes: a fleet has as many manifests as sites.
func (m *Manifest) encode() []byte {
	var b []byte
	field := func(indent, name string) { b = append(append(append(b, indent...), name...), `": `...) }
	field("{\n  \"", "site")
	b = appendJSON(b, m.Site)
	field(",\n  \"", "outputVersion")
	b = strconv.AppendInt(b, int64(m.OutputVersion), 10)
	field(",\n  \"", "digest")
	b = appendJSON(b, m.Digest)
	field(",\n  \"", "files")
	for i, e := range m.Files {
		if i == 0 {
			b = append(b, "[\n    {"...)
		} else {
			b = append(b, "\n    },\n    {"...)
		}
		field("\n      \"", "path")
		b = appendJSON(b, e.Path)
		field(",\n      \"", "sha256")
		b = appendJSON(b, e.SHA256)
		if e.Mode != "" {
			field(",\n      \"", "mode")
			b = appendJSON(b, e.Mode)
		}
		for k, o := range e.Origins {
			if k == 0 {
				field(",\n      \"", "origins")
				b = append(b, '[')
			} else {
				b = append(b, ',')
			}
			b = appendJSON(append(b, "\n        "...), o)
		}
		if len(e.Origins) > 0 {
			b = append(b, "\n      ]"...)
		}
	}
	if len(m.Files) == 0 {
		return append(b, "[]\n}"...)
	}
	return append(b, "\n    }\n  ]\n}"...)
}

// appendJSON appends a string of JSON.
func appendJSON(b []byte, s string) []byte {
	special := func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }
	if !strings.ContainsFunc(s, special) {
		return append(append(append(b, '"'), s...), '"')
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return append(b, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...)
}

// ReadManifest reads a manifest and refuses one that could lead a build astray: another output version, or a path that
// leaves the tree.
func ReadManifest(data []byte) (*Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("not a manifest: %w", err)
	}
	if m.OutputVersion < 1 || m.OutputVersion > OutputVersion {
		return nil, fmt.Errorf("outputVersion %d is not one that this meshgen reads (1 to %d)", m.OutputVersion, OutputVersion)
	}
	for _, e := range m.Files {
		if !validPath(e.Path) {
			return nil, fmt.Errorf("it lists %q, which is not a clean relative path", e.Path)
		}
	}
	return &m, nil
}
