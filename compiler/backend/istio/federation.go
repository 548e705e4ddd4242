package istio

import (
	"maps"
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// crossSite writes into the values of the gateway that other sites reach what makes it one: the label, by which every
// control plane that reads this cluster takes its Service for the way into the network, and the view, by which it leads to
// pods of its own network alone (manifests/charts/gateway, values networkGateway; release 1.31, read 2026-11-21). The
// chart's own switch would publish ports of istiod besides, for clusters without one.
func crossSite(y *artifact.YAML, f *ir.Federation) {
	y.From("", f.From...)
	y.Map("labels", func() { y.KV(ir.NetworkLabel, f.Network) })
	y.Map("env", func() { y.KV("ISTIO_META_REQUESTED_NETWORK_VIEW", f.Network) })
	y.Fixed()
}

// serviceSettings keeps services at their site. Istio takes services of one name and namespace for one, wherever they are:
// half of the requests to a service would leave for another site that has one of that name
// (pilot/pkg/model/cluster_local.go; the most specific host counts).
func (e *emitter) serviceSettings(y *artifact.YAML) {
	y.Comment("A service is that of this site, also where another has one of the same name; but those that are called there.")
	y.Seq("serviceSettings", func() {
		setting := func(local bool, hosts func()) {
			y.Item(func() {
				y.Map("settings", func() { y.KV("clusterLocal", local) })
				y.Seq("hosts", hosts)
			})
		}
		y.From("", append(e.p.Cluster.From.Of("clusterDomain"), "federation")...)
		setting(true, func() { y.Elem("*.svc." + e.p.Cluster.Domain) })
		if !e.p.CallsAway() {
			return
		}
		y.From("", e.awayFrom()...)
		setting(false, func() {
			for _, h := range e.awayHosts() {
				y.From("", h.from...)
				y.Elem(h.entry)
			}
		})
	})
	y.Fixed()
}

// awayHosts lists the services of other sites that are called, each once, by host.
func (e *emitter) awayHosts() []egressHost {
	at := map[string]ir.From{}
	for i := range e.p.Services {
		for _, a := range e.p.Services[i].Away {
			at[a.Host] = append(at[a.Host], a.From...)
		}
	}
	var out []egressHost
	for _, h := range slices.Sorted(maps.Keys(at)) {
		out = append(out, egressHost{h, at[h]})
	}
	return out
}

// awayFrom is what declares calls to other sites.
func (e *emitter) awayFrom() ir.From {
	var out ir.From
	for _, h := range e.awayHosts() {
		out = append(out, h.from...)
	}
	return out
}
