package load

import (
	"slices"
	"strings"

	"cuelang.org/go/cue"

	"meshgen.dev/meshgen/compiler/diag"
)

// choices lists the blocks whose kind decides which of the option blocks beside it may be given. A test compares it
// with the language.
var choices = []struct {
	block   string
	options []string
}{
	{"kubernetes.cni", []string{"cilium", "calico"}},
	{"loadBalancer", []string{"metallb", "external"}},
	{"mesh.ca", []string{"vault", "spire"}},
}

// otherKinds reports options for a kind that is not chosen.
func otherKinds(user cue.Value) diag.List {
	var faults diag.List
	for _, c := range choices {
		path := strings.Split(c.block, ".")
		kindAt, ok := lookup(user, append(slices.Clone(path), "kind"))
		kind, err := kindAt.String()
		if !ok || err != nil {
			continue // told already
		}
		for _, option := range c.options {
			at := append(slices.Clone(path), option)
			if v, ok := lookup(user, at); ok && option != kind {
				d := finding(OtherKind, keyPos(v), join(at), "%s has options of kind %q, but its kind is %q", c.block, option, kind).
					hint("remove the block %s, or choose kind: %q", option, option)
				d.Related = []diag.Related{{Path: c.block + ".kind", Pos: valuePos(kindAt), Message: "chosen here"}}
				faults = append(faults, d)
			}
		}
	}
	return faults
}
