package policy

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// Consul is what the intentions of a tree say at the callee's proxy. It follows Consul 2.0: the intention of the exact
// source decides before that of any source, that of the exact destination before that of any; of permissions the first
// that matches; and where nothing does, the default of the access lists. It shares nothing with what writes them.
type Consul struct {
	intentions []consulIntentions
	protocols  map[string]string
	splitters  []consulSplitter
	deny       bool                          // the access lists refuse by default
	loose      bool                          // plain text is taken by all services that say nothing for themselves
	plain      map[string]bool               // what services say for themselves
	dialed     map[string]bool               // services whose pods are dialled: what goes there keeps its port
	outside    map[string]*consulDestination // by name
	ways       []consulWay
	machines   []consulMachine
	providers  []jwtProvider
	meshOnly   bool // what is neither service nor destination is refused
}

type consulIntentions struct {
	meta
	spec struct {
		Destination struct {
			Name string `json:"name"`
		} `json:"destination"`
		Sources []struct {
			Name        string `json:"name"`
			Peer        string `json:"peer"`
			Action      string `json:"action"`
			Permissions []struct {
				Action string `json:"action"`
				HTTP   struct {
					PathExact  string   `json:"pathExact"`
					PathPrefix string   `json:"pathPrefix"`
					Methods    []string `json:"methods"`
				} `json:"http"`
			} `json:"permissions"`
		} `json:"sources"`
		JWT *consulTokens `json:"jwt"`
	}
}

// consulSplitter shares out the requests to the service of its name.
type consulSplitter struct {
	meta
	spec struct {
		Splits []struct {
			Weight  float64 `json:"weight"`
			Service string  `json:"service"` // that of the splitter when not given
		} `json:"splits"`
	}
}

// ConsulRequest is what a proxy sees: the caller's service, "" without a certificate, and the request where the service
// speaks HTTP.
// A caller of another site has the name of that site as Peer.
type ConsulRequest struct {
	From, Peer, To, Method, Path string
	Token                        *Token // nil: none
}

// newConsul is a mesh without objects.
func newConsul() *Consul {
	return &Consul{protocols: map[string]string{}, plain: map[string]bool{}, dialed: map[string]bool{}, outside: map[string]*consulDestination{}}
}

// ReadConsul reads the objects. A field that it does not know is an error.
func ReadConsul(t *artifact.Tree, valuesPath string) (*Consul, error) {
	c := newConsul()
	var v struct {
		Global struct {
			ACLs struct {
				Manage bool `json:"manageSystemACLs"`
			} `json:"acls"`
		} `json:"global"`
	}
	if err := values(t, valuesPath, &v); err != nil {
		return nil, err
	}
	c.deny = v.Global.ACLs.Manage
	for _, f := range t.Files() {
		if !delivered(f.Path()) || path.Base(f.Path()) == "kustomization.yaml" {
			continue
		}
		if err := documents(f, c.object); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *Consul) object(o meta, h head) error {
	group, _, _ := strings.Cut(h.APIVersion, "/")
	if group != "consul.hashicorp.com" {
		return nil
	}
	switch h.Kind {
	case "ServiceIntentions":
		return add(&c.intentions, consulIntentions{meta: o}, h, func(x *consulIntentions) any { return &x.spec })
	case "ServiceDefaults", "ProxyDefaults":
		var d struct {
			Protocol       string             `json:"protocol"`
			MutualTLSMode  string             `json:"mutualTLSMode"`
			UpstreamConfig any                `json:"upstreamConfig"`
			Config         any                `json:"config"`
			AccessLogs     any                `json:"accessLogs"`
			MeshGateway    any                `json:"meshGateway"` // the way to other datacenters
			Destination    *consulDestination `json:"destination"`
			Transparent    struct {
				Dialed bool `json:"dialedDirectly"`
			} `json:"transparentProxy"`
		}
		err := unmarshal(h.Spec, &d, true)
		loose := d.MutualTLSMode != "" && d.MutualTLSMode != "strict"
		if h.Kind == "ServiceDefaults" {
			c.protocols[h.Metadata.Name], c.dialed[h.Metadata.Name] = d.Protocol, d.Transparent.Dialed
			if d.MutualTLSMode != "" {
				c.plain[h.Metadata.Name] = loose
			}
			if d.Destination != nil {
				d.Destination.meta, c.outside[h.Metadata.Name] = o, d.Destination
			}
		} else {
			c.loose = loose
		}
		return err
	case "JWTProvider":
		return add(&c.providers, jwtProvider{meta: o}, h, func(x *jwtProvider) any { return &x.spec })
	case "Registration":
		return add(&c.machines, consulMachine{meta: o}, h, func(x *consulMachine) any { return &x.spec })
	case "TerminatingGateway":
		return add(&c.ways, consulWay{meta: o}, h, func(x *consulWay) any { return &x.spec })
	case "Mesh":
		var m struct {
			TransparentProxy struct {
				MeshDestinationsOnly bool `json:"meshDestinationsOnly"`
			} `json:"transparentProxy"`
			Permissive bool `json:"allowEnablingPermissiveMutualTLS"`
			Peering    any  `json:"peering"`
		}
		err := unmarshal(h.Spec, &m, true)
		c.meshOnly = m.TransparentProxy.MeshDestinationsOnly
		return err
	case "ServiceSplitter":
		return add(&c.splitters, consulSplitter{meta: o}, h, func(x *consulSplitter) any { return &x.spec })
	case "ServiceRouter", "ServiceResolver", "ExportedServices", "PeeringAcceptor", "PeeringDialer", "GatewayClassConfig", "RouteTimeoutFilter", "RouteRetryFilter":
		return nil // how often a request is sent, what goes out, and what peers know
	}
	return fmt.Errorf("%s of %s is not understood", h.Kind, h.APIVersion)
}

// Admits reports whether the proxy of a service lets a request pass, and which object decides.
func (c *Consul) Admits(q ConsulRequest) (bool, Object) {
	if q.From == "" {
		return c.takesPlain(q.To), Object{}
	}
	for _, names := range [][2]string{{q.From, q.To}, {"*", q.To}, {q.From, "*"}, {"*", "*"}} {
		for i := range c.intentions {
			in := &c.intentions[i]
			if in.spec.Destination.Name != names[1] {
				continue
			}
			for k, s := range in.spec.Sources {
				// Any source is any of this site: those of peers are named with theirs.
				if s.Name != names[0] || s.Peer != q.Peer && (s.Peer != "" || names[0] != "*") {
					continue
				}
				if len(s.Permissions) == 0 {
					if own := c.of(q.To); s.Action != "allow" && names[1] != q.To && own != nil {
						return false, own.at("spec", "sources") // the service's own, which does not name the caller
					}
					return s.Action == "allow" && c.brings(in, q), in.at("spec", "sources", k)
				}
				if p := c.protocols[q.To]; p == "" || p == "tcp" {
					return false, in.at("spec", "sources", k) // refused by the servers
				}
				for _, p := range s.Permissions {
					if (p.HTTP.PathExact == "" || p.HTTP.PathExact == q.Path) && strings.HasPrefix(q.Path, p.HTTP.PathPrefix) &&
						(len(p.HTTP.Methods) == 0 || slices.Contains(p.HTTP.Methods, q.Method)) {
						return p.Action == "allow" && c.brings(in, q), in.at("spec", "sources", k)
					}
				}
				return !c.deny, in.at("spec", "sources", k)
			}
		}
	}
	return !c.deny, Object{}
}

// takesPlain reports whether a service takes callers without a certificate, whatever its intentions say.
func (c *Consul) takesPlain(service string) bool {
	if own, said := c.plain[service]; said {
		return own
	}
	return c.loose
}

// of returns the intentions of one service, nil where it has none.
func (c *Consul) of(service string) *consulIntentions {
	i := slices.IndexFunc(c.intentions, func(in consulIntentions) bool { return in.spec.Destination.Name == service })
	if i < 0 {
		return nil
	}
	return &c.intentions[i]
}
