package documents

import (
	"cmp"
	"slices"
)

// awayCall is a service of another site that is called from a namespace.
type awayCall struct{ Namespace, Host string }

// Away lists what each namespace calls of other sites, each once, by namespace and host.
func (b *book) Away() []awayCall {
	var out []awayCall
	for i := range b.P.Services {
		s := &b.P.Services[i]
		for _, a := range s.Away {
			if c := (awayCall{s.Namespace, a.Host}); !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	slices.SortFunc(out, func(a, b awayCall) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Host, b.Host))
	})
	return out
}

// MarkedNamespaces lists the namespaces in which the mesh reads something on Services of others.
func (b *book) MarkedNamespaces() []string {
	var out []string
	for _, m := range b.P.ServiceMarks {
		out = append(out, m.Namespace)
	}
	return slices.Compact(out)
}
