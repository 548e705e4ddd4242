package trace

import (
	"net/netip"
	"slices"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/ir"
)

// Leaves is the stage at which a request leaves the cluster.
const Leaves = "outside"

// external finds a declared destination outside the cluster, by its name in the site or by a host name of it.
func (t *Tracer) external(name string) *ir.External {
	for i := range t.plan.Externals {
		if e := &t.plan.Externals[i]; e.Name == name || slices.Contains(e.Hosts, name) {
			return e
		}
	}
	return nil
}

// leaving follows a request of a service to a destination outside.
func (t *Tracer) leaving(q Question, caller *policy.Workload, e *ir.External) *Trace {
	if q.Port == 0 && len(e.Ports) > 0 {
		q.Port = e.Ports[0].Port
	}
	q.Method, q.Path = "", ""
	to := policy.Target{Address: netip.MustParseAddr(somewhere[0])}
	switch {
	case len(e.Addresses) > 0:
		to.Address = e.Addresses[0].Addr()
	case slices.Contains(e.Hosts, q.To):
		to.Host = q.To
	default:
		to.Host = e.Hosts[0]
	}
	out := &Trace{Question: q}
	r := policy.Request{Port: q.Port}
	if i := slices.IndexFunc(e.Ports, func(p ir.Port) bool { return p.Port == q.Port }); i >= 0 {
		protocol := e.Ports[i].Protocol
		r.UDP = protocol == "udp"
		// Linkerd and Consul go by the name wherever a proxy sees one, Consul not where the destination is behind fixed addresses.
		names := t.world.Linkerd != "" || t.world.Consul != "" && !t.plan.Proxied(e)
		if names && len(e.Hosts) > 0 && protocol != "tcp" {
			if to.Host = e.Hosts[0]; slices.Contains(e.Hosts, q.To) {
				to.Host = q.To
			}
			if ir.IsHTTP(protocol) {
				r.Method, r.Path = "GET", "/"
			}
		}
	}
	v := t.model.Depart(policy.Caller{Workload: caller}, to, r)
	t.take(out, v)
	if out.Open {
		h := Hop{Stage: Leaves, At: e.Name, Pass: true, Why: "leaves the cluster with the address of the caller's node", From: e.From}
		if t.world.Consul != "" && len(v.Steps) > 1 { // not the network alone
			h.Why = "leaves the cluster with the address of the terminating gateway's node"
		}
		if e.Via != "" {
			h.Why = "leaves the cluster by egress gateway " + e.Via
			if t.plan.Proxied(e) {
				h.Why += ", with the source address of the gateway's node"
			}
		}
		out.Hops = append(out.Hops, h)
	}
	return out
}
