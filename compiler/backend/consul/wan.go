package consul

import (
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// federation writes the values by which the site is a datacenter of a federation. The chart takes the site for the primary
// where primaryDatacenter is not given.
func (e *emitter) federation(y *artifact.YAML) {
	w := e.k.WAN
	if w == nil {
		return
	}
	y.From("", w.From...)
	y.Map("federation", func() {
		y.KV("enabled", true)
		if !w.Secondary {
			return
		}
		y.KV("primaryDatacenter", w.Primary)
		y.Comment("By these the servers find the primary before mesh gateways run here.")
		y.KV("primaryGateways", w.Gateways)
		y.Comment("The primary's servers ask it who logs in: gateways and injector here write there.")
		y.KV("k8sAuthMethodHost", w.API)
	})
	y.Fixed()
}

// owns makes an entry this datacenter's own that another one has written with the same content
// (control-plane/controllers/configentries/configentry_controller.go, ReconcileEntry, hasMigrationKey): it then goes with
// this object, and with no other one.
var owns = []ir.KV{{Key: "consul.hashicorp.com/migrate-entry", Value: "true"}}

// secondary reports whether another datacenter writes what holds for all of them.
func (e *emitter) secondary() bool { return e.k.WAN != nil && e.k.WAN.Secondary }

// forAll adds to the origins of what one datacenter writes for all which of them it is.
func (e *emitter) forAll(from ir.From) ir.From {
	if e.k.WAN == nil {
		return from
	}
	return slices.Concat(from, e.k.WAN.From)
}

// located writes where callers of other datacenters find a service. Their sites have the same object, which gives the
// service an address there; whoever comes first writes the entry, and by the annotation it becomes this site's own.
func (e *emitter) located(s *ir.ConsulService) {
	if s.Datacenter == "" {
		return
	}
	e.annotated(backend.Policy, "ServiceResolver", s.Namespace, s.Name, owns, slices.Concat(s.From, s.DatacenterFrom), func(y *artifact.YAML) {
		redirect(y, s.Datacenter)
	})
}

// redirect is the one thing that such a resolver says; controllers compare it with what stands in Consul.
func redirect(y *artifact.YAML, datacenter string) {
	y.Map("redirect", func() { y.KV("datacenter", datacenter) })
}

// openSources are the sources of a service's intentions in an incident, where any source would be any of all datacenters:
// callers of others and gateways as they are, and every service of this site by its name.
func (e *emitter) openSources(y *artifact.YAML, s *ir.ConsulService) {
	for i := range s.Callers {
		if c := &s.Callers[i]; c.Away || slices.ContainsFunc(e.k.Places, func(p ir.ConsulGateway) bool { return p.Gateway == c.Name }) {
			y.From("", c.From...)
			y.Item(func() { source(y, c) })
		}
	}
	y.Fixed()
	for i := range e.k.Services {
		if o := &e.k.Services[i]; o.Name != s.Name {
			y.Item(func() { source(y, &ir.ConsulCaller{Name: o.Name}) })
		}
	}
}
