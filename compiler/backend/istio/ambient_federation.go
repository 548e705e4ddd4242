package istio

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// globalLabel makes Services of one name and namespace one, over all sites where they carry it: the profile "ambient" says so
// in meshConfig.serviceScopeConfigs (manifests/helm-profiles/ambient.yaml of Istio 1.31, read 2026-11-21).
const globalLabel = "istio.io/global"

// knownServices writes the names of services of other sites, with addresses of this one: nothing else leads there. Behind
// them are the pods of the other site alone.
func (e *emitter) knownServices() {
	f := e.p.Federation
	if f == nil {
		return
	}
	o := e.objects(backend.Policy, "Service")
	for i := range f.Services {
		s := &f.Services[i]
		meta := backend.Meta{APIVersion: "v1", Namespace: s.Namespace, Name: s.Name, From: s.From, Labels: []ir.KV{
			{Key: globalLabel, Value: "true"},
			{Key: "istio.io/use-waypoint", Value: "none"}, // a waypoint here would stand in for the callee's own policy
		}}
		o.Add(meta, func(y *artifact.YAML) {
			y.Map("spec", func() {
				y.Comment("No selector: the pods are those of site " + s.Peer + ", behind its gateway.")
				portsOf(y, s.Ports)
			})
		})
	}
}

// eastWestPolicy admits to the gateway between sites those whom some service admits, and nobody else. What it leads on are
// tunnels to pods, whose own policy says who may do what. The refusal at all waypoints holds at this gateway as well: it is a
// waypoint to istiod (pilot/pkg/model/policyattachment.go, ShouldAttachPolicy).
func (e *emitter) eastWestPolicy() {
	f := e.p.Federation
	if f == nil {
		return
	}
	g := e.p.Gateway(f.Gateway)
	if g == nil {
		return
	}
	var callers []ir.Caller
	from := append(append(ir.From{}, g.From.Of("kind")...), f.From...)
	for i := range e.p.Services {
		for _, c := range e.p.Services[i].Peers {
			from = append(from, c.From...)
			k := slices.IndexFunc(callers, func(o ir.Caller) bool { return o.Identity == c.Identity })
			if k < 0 {
				k, callers = len(callers), append(callers, ir.Caller{Identity: c.Identity})
			}
			callers[k].From = append(callers[k].From, c.From...)
		}
	}
	slices.SortFunc(callers, func(a, b ir.Caller) int { return strings.Compare(a.Identity, b.Identity) })
	o := e.objects(backend.Gateways, "AuthorizationPolicy")
	o.Add(backend.Meta{APIVersion: securityV1, Namespace: g.Namespace, Name: g.Name, From: from}, func(y *artifact.YAML) {
		y.Map("spec", func() {
			policyTarget(y, g)
			y.KV("action", "ALLOW")
			if len(callers) == 0 {
				y.Comment("No rule: no service here admits one of another site.")
				return
			}
			y.Seq("rules", func() {
				y.Item(func() {
					y.Seq("from", func() {
						y.Item(func() {
							y.Map("source", func() {
								y.Seq("principals", func() {
									for _, c := range callers {
										y.From("", c.From...)
										y.Elem(c.Identity)
									}
									y.From("", from...)
								})
							})
						})
					})
				})
			})
		})
	})
}

// portsOf writes the ports of a Service whose pods are not the site's.
func portsOf(y *artifact.YAML, ports []ir.Port) {
	y.Seq("ports", func() {
		for _, p := range ports {
			y.From("", p.From...)
			y.Item(func() {
				y.KV("name", p.Name)
				y.KV("port", p.Port)
				y.KV("targetPort", p.TargetPort)
				if p.Protocol == "udp" {
					y.KV("protocol", "UDP")
					return
				}
				y.KV("protocol", "TCP")
				y.KV("appProtocol", p.Protocol)
			})
		}
		y.Fixed()
	})
}
