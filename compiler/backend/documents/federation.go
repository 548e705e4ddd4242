package documents

import (
	"cmp"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// awayCall is a service of another site that is called from a namespace, and its first port, where this one knows it.
type awayCall struct {
	Namespace, Host string
	Port            uint16
}

// Away lists what each namespace calls of other sites, each once, by namespace and host.
func (b *book) Away() []awayCall {
	var out []awayCall
	for i := range b.P.Services {
		s := &b.P.Services[i]
		for _, a := range s.Away {
			c := awayCall{Namespace: s.Namespace, Host: a.Host}
			if len(a.Ports) > 0 {
				c.Port = a.Ports[0].Port
			}
			if !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	slices.SortFunc(out, func(a, b awayCall) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Host, b.Host))
	})
	return out
}

// togetherCall is the common name of services of one name at several sites, and where their pods are.
type togetherCall struct {
	Host, Sites string
	Port        uint16
}

// Together lists the common names that callers here use, by name.
func (b *book) Together() []togetherCall {
	var out []togetherCall
	sites := map[string][]string{}
	for i := range b.P.Services {
		for _, a := range b.P.Services[i].Away {
			if a.Federated == "" {
				continue
			}
			if sites[a.Federated] == nil {
				sites[a.Federated] = []string{b.P.Name}
				out = append(out, togetherCall{Host: a.Federated, Port: a.Ports[0].Port})
			}
			if !slices.Contains(sites[a.Federated], a.Peer) {
				sites[a.Federated] = append(sites[a.Federated], a.Peer)
			}
		}
	}
	for i := range out {
		out[i].Sites = strings.Join(sites[out[i].Host], ", ")
	}
	slices.SortFunc(out, func(a, b togetherCall) int { return cmp.Compare(a.Host, b.Host) })
	return out
}

// LinkSecret is the object whose end takes away the Secret by which the control plane reads another site.
func (b *book) LinkSecret() string {
	if slices.ContainsFunc(b.P.Secrets, func(s ir.Secret) bool { return len(s.Annotations) > 0 && s.Creator == ir.ExternalSecrets }) {
		return "externalsecret"
	}
	return "secret"
}

// AwayGrants are what admits pods of other sites.
func (b *book) AwayGrants() []ir.LinkerdGrant {
	return slices.DeleteFunc(slices.Clone(b.P.Linkerd.Grants), func(g ir.LinkerdGrant) bool { return len(g.Accounts) == 0 || !g.Accounts[0].Away })
}

// MarkedNamespaces lists the namespaces in which the mesh reads something on Services of others.
func (b *book) MarkedNamespaces() []string {
	var out []string
	for _, m := range b.P.ServiceMarks {
		out = append(out, m.Namespace)
	}
	return slices.Compact(out)
}
