package verify

import (
	"bytes"
	"crypto/sha256"
	"path"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// Layout is the same for trees that kustomize reads in the same way: their kustomizations have the same text, but for the
// name of the site, and list files alone; components, which they do not take, do not count. The second result is false where objects decide as well, because of patches.
func Layout(t *artifact.Tree, site string) (sum [sha256.Size]byte, simple bool) {
	h := sha256.New()
	for _, f := range t.Files() {
		if !strings.HasPrefix(f.Path(), "kubernetes/") || path.Base(f.Path()) != "kustomization.yaml" || isComponent(f.Path()) {
			continue
		}
		if bytes.Contains(f.Bytes(), []byte("\npatches:")) {
			return sum, false
		}
		for _, part := range [][]byte{[]byte(f.Path()), f.Bytes()} {
			h.Write(bytes.ReplaceAll(part, []byte(site), []byte("\x00")))
			h.Write([]byte{1})
		}
	}
	h.Sum(sum[:0])
	return sum, true
}
