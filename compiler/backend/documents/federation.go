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

// exportedService is one that admits callers of other sites.
type exportedService struct{ Namespace, Name string }

// Exported lists the services that other sites may know, by namespace and name.
func (b *book) Exported() []exportedService {
	var out []exportedService
	for i := range b.P.Services {
		if s := &b.P.Services[i]; len(s.Peers) > 0 {
			out = append(out, exportedService{s.Namespace, s.Name})
		}
	}
	return out
}
