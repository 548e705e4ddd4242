package capacity

import (
	"fmt"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// What Envoy may hold of one connection whose reader is slow, in KiB, both sides together: per_connection_buffer_limit_bytes
// of listener and cluster, 1 MiB where nothing sets it (listener.proto, cluster.proto); Envoy Gateway sets 32 KiB
// (envoyproxy/gateway issue 2600, ClientTrafficPolicy connection.bufferLimit). Read 2026-11-21.
const (
	bufferKiB        = 2048
	gatewayBufferKiB = 64
)

// Size is the memory of one proxy: what it requests, what its project measured, and what it may come to. A proxy holds the
// configuration of the services in its view, and buffers of its connections.
type Size struct {
	Who         string
	InView      int // services of the site; those that the site does not describe come besides
	Connections int
	RequestMiB  int // 0: none is set
	LimitMiB    int // 0: none is set
	MeasuredMB  int // 0: nothing was published
	MeasuredFor int // services in view there
	BuffersMiB  int // of all connections with a slow reader; 0: the proxy is not Envoy
}

// Short says what of a size does not fit, "" where it does.
func (s *Size) Short() string {
	switch {
	case s.MeasuredMB > 0 && s.RequestMiB > 0 && s.RequestMiB < s.MeasuredMB:
		return "requests less than was measured"
	case s.MeasuredFor > 0 && s.InView > s.MeasuredFor:
		return "more services in view than were measured"
	case s.LimitMiB > 0 && s.MeasuredMB+s.BuffersMiB > s.LimitMiB:
		return fmt.Sprintf("slow readers of %d %% of the connections reach its limit", 100*max(0, s.LimitMiB-s.MeasuredMB)/s.BuffersMiB)
	}
	return ""
}

func (r *Report) sizes(p *ir.Plan) {
	if p.Mesh.Kind == "none" {
		return
	}
	x := &r.Proxy
	connections, pods := 0, 1
	for i := range p.Groups {
		c := &p.Groups[i].Conntrack
		connections, pods = max(connections, c.ConnsPerPod), max(pods, c.Pods)
	}
	s := Size{Who: "the proxy of a pod", InView: inView(p), Connections: connections, RequestMiB: x.RequestMiB, LimitMiB: x.LimitMiB, MeasuredMB: x.MeasuredMB, MeasuredFor: x.Services}
	if r.Shared {
		s.Who, s.Connections = "the proxy of a node", connections*pods
	}
	if x.Envoy {
		s.BuffersMiB = bufferKiB * s.Connections >> 10
	}
	r.Sizes = append(r.Sizes, s)
	if w := p.Mesh.Waypoint; w != nil && len(r.Waypoints) > 0 {
		r.Sizes = append(r.Sizes, Size{Who: "a waypoint", InView: len(p.Services), RequestMiB: mebi(w.Resources.MemoryRequest), LimitMiB: mebi(w.Resources.MemoryLimit),
			MeasuredMB: x.WaypointMB, MeasuredFor: x.Services})
	}
	for i := range p.Gateways {
		g := &p.Gateways[i]
		if p.CiliumMesh != nil && g.Program.Kind == "" {
			continue // the proxy of a node serves it
		}
		one := (g.Connections + max(g.Replicas, 1) - 1) / max(g.Replicas, 1)
		buffer := bufferKiB
		if g.Program.Kind == "envoy-gateway" {
			buffer = gatewayBufferKiB
		}
		r.Sizes = append(r.Sizes, Size{Who: "a pod of gateway " + g.Name, InView: len(p.Services), Connections: one,
			RequestMiB: mebi(g.Resources.MemoryRequest), LimitMiB: mebi(g.Resources.MemoryLimit), BuffersMiB: buffer * one >> 10})
	}
}

func mebi(quantity string) int { return int(site.ParseQuantity(quantity) >> 20) }

// inView is how many services of the site the proxy of a pod knows at most. Istio's sidecars know those that somebody of
// their namespace calls; others know all.
func inView(p *ir.Plan) int {
	if p.Mesh.Kind != "istio-sidecar" {
		return len(p.Services)
	}
	known := map[string]map[string]bool{}
	for i := range p.Services {
		s := &p.Services[i]
		if known[s.Namespace] == nil {
			known[s.Namespace] = map[string]bool{}
		}
		for _, c := range s.Callees {
			known[s.Namespace][c.Namespace+"/"+c.Name] = true
		}
	}
	most := 0
	for _, k := range known {
		most = max(most, len(k))
	}
	return most
}
