package lower

import (
	"cmp"
	"slices"
	"strconv"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// proxied decides the listener of a Service whose requests are repeated or counted, or whose failing pods are taken out:
// HTTPRoute has words for none of it. It reports whether there is one. Shares and the timeout are then its own too: Cilium makes a listener
// of an HTTPRoute as well, and which of two takes a Service is nobody's choice (Documentation/network/servicemesh of
// Cilium 1.20.2: conflicts of CiliumEnvoyConfigs are not defined).
func (l *lowering) proxied(s *ir.Service) bool {
	ends := s.Split
	if len(ends) == 0 {
		ends = []ir.Weighted{{Namespace: s.Namespace, Name: s.Name, Weight: 100, From: s.From}}
	}
	needed := s.Retries != nil || s.RateLimit != nil
	for _, w := range ends {
		needed = needed || l.find(w.Namespace+"/"+w.Name).Outlier != nil
	}
	if !needed {
		return false
	}
	out := ir.CiliumProxied{Namespace: s.Namespace, Name: s.Name + "-calls", Service: s.Name, From: slices.Clone(s.From)}
	for _, port := range s.Ports {
		if !ir.IsHTTP(port.Protocol) {
			continue
		}
		p := ir.ProxiedPort{Port: port.Port, Timeout: "0s", Retries: l.envoyRetries(s.Retries), Limit: s.RateLimit, From: slices.Concat(s.From, port.From)}
		if s.Timeout != nil {
			p.Timeout = protoSeconds(s.Timeout.Text)
			p.From = append(p.From, s.Timeout.From...)
		}
		if s.Retries != nil {
			p.From = append(p.From, s.Retries.From...)
		}
		if s.RateLimit != nil {
			p.From = append(p.From, s.RateLimit.From...)
		}
		for _, w := range ends {
			end := l.find(w.Namespace + "/" + w.Name)
			e := ir.ProxiedEnd{Service: w.Name, Weight: w.Weight, From: slices.Concat(p.From, w.From)}
			if o := end.Outlier; o != nil {
				e.Outlier = &ir.Outlier{Consecutive5xx: o.Consecutive5xx, Interval: protoSeconds(o.Interval), BaseEjectionTime: protoSeconds(o.BaseEjectionTime),
					MaxEjectionPercent: o.MaxEjectionPercent, From: o.From}
				e.From = append(e.From, o.From...)
			}
			p.Ends = append(p.Ends, e)
			out.From = append(out.From, e.From...)
		}
		out.Ports = append(out.Ports, p)
	}
	if len(out.Ports) == 0 {
		return false
	}
	slices.SortFunc(out.Ports, func(a, b ir.ProxiedPort) int { return cmp.Compare(a.Port, b.Port) })
	l.p.CiliumMesh.Proxied = append(l.p.CiliumMesh.Proxied, out)
	return true
}

// envoyRetries are retries in the words of the mesh's proxy.
func (l *lowering) envoyRetries(r *ir.Retries) *ir.Retries {
	if r == nil {
		return nil
	}
	out := *r
	out.On = nil
	for _, word := range r.On {
		out.On = append(out.On, l.meshProfile().RetryOn[word])
	}
	if r.PerTryTimeout != "" {
		out.PerTryTimeout = protoSeconds(r.PerTryTimeout)
	}
	return &out
}

// protoSeconds is a time span as JSON of protocol buffers has it: in seconds, with a fraction.
func protoSeconds(text string) string {
	return strconv.FormatFloat(site.ParseDuration(text).Seconds(), 'f', -1, 64) + "s"
}
