package trace

import (
	"fmt"
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

// leaving follows a request of a service to a destination outside. Linkerd and Consul decide about those by objects that
// the oracle does not read.
func (t *Tracer) leaving(q Question, caller *policy.Workload, e *ir.External) (*Trace, error) {
	if t.world.Linkerd != "" || t.world.Consul != "" {
		return nil, fmt.Errorf("what leaves the cluster is not traced with mesh %s", t.plan.Mesh.Kind)
	}
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
	datagrams := slices.ContainsFunc(e.Ports, func(p ir.Port) bool { return p.Port == q.Port && p.Protocol == "udp" })
	t.take(out, t.model.Reach(policy.Caller{Workload: caller}, to, policy.Request{Port: q.Port, UDP: datagrams}))
	if out.Open {
		h := Hop{Stage: Leaves, At: e.Name, Pass: true, Why: "leaves the cluster with the address of the caller's node", From: e.From}
		if e.Via != "" {
			h.Why = "leaves the cluster by egress gateway " + e.Via
			if t.plan.Proxied(e) {
				h.Why += ", with the source address of the gateway's node"
			}
		}
		out.Hops = append(out.Hops, h)
	}
	return out, nil
}
