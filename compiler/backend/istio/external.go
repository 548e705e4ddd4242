package istio

import (
	"net/netip"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// serviceEntries makes external destinations known, in each meshed namespace that uses them and there alone.
func (e *emitter) serviceEntries() {
	o := e.objects(backend.Policy, "ServiceEntry")
	for _, n := range e.p.Namespaces {
		if n.Purpose != "services" || !n.Meshed {
			continue
		}
		for i := range e.p.Externals {
			x := &e.p.Externals[i]
			from := x.UsersIn(n.Name)
			if len(from) == 0 || !hasCapturedPort(x) || e.p.Proxied(x) {
				continue
			}
			hosts := externalHosts(x, n.Name)
			for _, host := range hosts {
				meta := backend.Meta{APIVersion: networkingV1, Namespace: n.Name, Name: x.Name, From: append(from, x.From...)}
				if len(hosts) > 1 { // one host an object: with ports of TCP, Istio refuses more
					meta.Name += "-" + host
				}
				o.Add(meta, func(y *artifact.YAML) { y.Map("spec", func() { serviceEntry(y, x, host) }) })
			}
		}
	}
}

func serviceEntry(y *artifact.YAML, x *ir.External, host string) {
	y.KV("exportTo", []string{"."})
	y.From("", x.From...)
	if len(x.Hosts) == 0 {
		y.Comment("A name for Istio's registry alone: clients use the address.")
	}
	y.KV("hosts", []string{host})
	if len(x.Addresses) > 0 {
		y.KV("addresses", addressTexts(x.Addresses))
	}
	y.Fixed()
	y.KV("location", "MESH_EXTERNAL")
	y.Seq("ports", func() {
		for _, p := range x.Ports {
			if !isCaptured(p.Protocol) {
				continue
			}
			y.From("", p.From...)
			y.Item(func() {
				y.KV("name", p.Name)
				y.KV("number", p.Port)
				y.KV("protocol", protocol(p.Protocol))
			})
		}
		y.Fixed()
	})
	y.From("", x.From...)
	switch {
	case len(x.Addresses) == 0:
		y.KV("resolution", "DNS")
	case len(x.Addresses) == 1 && x.Addresses[0].IsSingleIP():
		y.KV("resolution", "STATIC")
		y.Seq("endpoints", func() {
			y.Item(func() { y.KV("address", x.Addresses[0].Addr()) })
		})
	default:
		y.Comment("To the address that the client dialled: with endpoints, the proxy would choose among them.")
		y.KV("resolution", "NONE")
	}
	y.Fixed()
}

// externalHosts returns the host names of a destination. One that is known by its addresses alone gets the name
// "<name>.external.<namespace>.mesh.internal", which nobody resolves: "internal" is the top-level domain that ICANN has
// set aside for private use (2024-07-29), and Istio asks for a host of every entry.
func externalHosts(x *ir.External, namespace string) []string {
	if len(x.Hosts) > 0 {
		return x.Hosts
	}
	return []string{x.Name + ".external." + namespace + ".mesh.internal"}
}

func hasCapturedPort(x *ir.External) bool {
	for _, p := range x.Ports {
		if isCaptured(p.Protocol) {
			return true
		}
	}
	return false
}

// addressTexts writes single addresses without a length.
func addressTexts(in []netip.Prefix) []string {
	out := make([]string, len(in))
	for i, p := range in {
		if p.IsSingleIP() {
			out[i] = p.Addr().String()
		} else {
			out[i] = p.String()
		}
	}
	return out
}
