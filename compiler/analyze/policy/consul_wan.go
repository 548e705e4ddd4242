package policy

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// ConsulFederation is what the objects of all datacenters of a federation say together: entries are written by any of them
// and hold for all (hashicorp/consul-k8s v2.0.3 control-plane/controllers/configentries/configentry_controller.go). It
// shares nothing with what writes them.
type ConsulFederation struct {
	all   Consul
	sites map[string]*consulSite
}

// consulSite is what a caller of one datacenter finds there.
type consulSite struct {
	own       map[string]bool   // services that have pods here
	away      map[string]string // datacenters that resolvers here lead to, by service
	addresses map[string]bool   // namespace/name of Services without pods
	resolvers map[string]string // namespace of the resolver that gives a service the address of its Service
	ways      []consulWay       // that have pods here
	machines  []consulMachine   // in the catalog of this datacenter
}

// ReadConsulFederation reads the trees of all sites, by site. Two objects of one entry must be alike: the second would be
// refused, and which one that is nobody knows.
func ReadConsulFederation(trees map[string]*artifact.Tree) (*ConsulFederation, error) {
	f := &ConsulFederation{all: *newConsul(), sites: map[string]*consulSite{}}
	f.all.deny = true
	specs, mode, allowed := map[string][]byte{}, "", false
	for _, name := range slices.Sorted(maps.Keys(trees)) {
		one, err := ReadConsul(trees[name], "charts/"+name+"/consul/values.yaml")
		if err != nil {
			return nil, err
		}
		f.all.deny = f.all.deny && one.deny
		s := &consulSite{own: map[string]bool{}, away: map[string]string{}, addresses: map[string]bool{}, resolvers: map[string]string{}, ways: one.ways, machines: one.machines}
		f.sites[name] = s
		read := func(o meta, h head) error {
			group, _, _ := strings.Cut(h.APIVersion, "/")
			if h.APIVersion == "v1" && h.Kind == "Service" {
				var spec struct {
					Selector map[string]string `json:"selector"`
				}
				if err := unmarshal(h.Spec, &spec, false); err != nil {
					return err
				}
				s.addresses[h.Metadata.Namespace+"/"+h.Metadata.Name] = len(spec.Selector) == 0
			}
			if group != "consul.hashicorp.com" {
				return nil
			}
			key := h.Kind + " " + h.Metadata.Name
			was, twice := specs[key]
			if twice && !bytes.Equal(was, h.Spec) {
				return fmt.Errorf("%s is written otherwise by another datacenter", key)
			}
			specs[key] = h.Spec
			switch h.Kind {
			case "ServiceDefaults":
				s.own[h.Metadata.Name] = true
			case "Mesh":
				var spec struct {
					Allowed bool `json:"allowEnablingPermissiveMutualTLS"`
				}
				if err := unmarshal(h.Spec, &spec, false); err != nil {
					return err
				}
				allowed = spec.Allowed
			case "ProxyDefaults":
				var spec struct {
					MeshGateway struct {
						Mode string `json:"mode"`
					} `json:"meshGateway"`
				}
				if err := unmarshal(h.Spec, &spec, false); err != nil {
					return err
				}
				mode = spec.MeshGateway.Mode
			case "ServiceResolver":
				var spec struct {
					Redirect struct {
						Datacenter string `json:"datacenter"`
					} `json:"redirect"`
				}
				if err := unmarshal(h.Spec, &spec, true); err != nil {
					return err
				}
				s.away[h.Metadata.Name], s.resolvers[h.Metadata.Name] = spec.Redirect.Datacenter, h.Metadata.Namespace
			}
			if twice {
				return nil
			}
			return f.all.object(o, h)
		}
		for _, file := range trees[name].Files() {
			if !delivered(file.Path()) || path.Base(file.Path()) == "kustomization.yaml" {
				continue
			}
			if err := documents(file, read); err != nil {
				return nil, err
			}
		}
	}
	if mode != "remote" && mode != "local" {
		return nil, fmt.Errorf("proxies call the pods of other datacenters themselves: meshGateway.mode is %q", mode)
	}
	for name, plain := range f.all.plain {
		if plain && !allowed {
			return nil, fmt.Errorf("the servers refuse %s: no Mesh of the federation allows plain text", name)
		}
	}
	return f, nil
}

// At is what proxies of one datacenter go by: the entries of all, and the terminating gateways and machines that are there.
func (f *ConsulFederation) At(datacenter string) *Consul {
	out := f.all
	out.ways, out.machines = f.sites[datacenter].ways, f.sites[datacenter].machines
	return &out
}

// Admits reports whether a caller of one datacenter finds a service and is let in, and which object decides; by none it is
// not found.
func (f *ConsulFederation) Admits(datacenter string, q ConsulRequest) (bool, Object) {
	at := f.sites[datacenter]
	to := datacenter
	for _, s := range f.sites { // an entry holds for all, whoever has written it
		if dc := s.away[q.To]; dc != "" {
			to = dc
		}
	}
	if f.sites[to] == nil || !f.sites[to].own[q.To] {
		return false, Object{}
	}
	if to != datacenter && q.From == "" {
		return false, Object{} // gateways of the mesh take no plain text
	}
	if to != datacenter && !at.addresses[at.resolvers[q.To]+"/"+q.To] {
		return false, Object{} // it has no address here that the caller's proxy knows
	}
	return f.all.Admits(q)
}
