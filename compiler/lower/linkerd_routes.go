package lower

import (
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// linkerdRoutes are what callers' proxies do with requests to a service that declares more than being called: shares,
// timeouts, retries. They are annotations of a route and not of the Service, which is the user's. Ports without such a
// wish have no route.
func (l *lowering) linkerdRoutes() {
	for i := range l.p.Services {
		s := &l.p.Services[i]
		if !s.Meshed || s.Timeout == nil && s.Retries == nil && len(s.Split) == 0 {
			continue
		}
		for _, port := range s.Ports {
			if ir.IsHTTP(port.Protocol) {
				l.linkerdServiceRoutes(s, port)
			}
		}
	}
}

func (l *lowering) linkerdServiceRoutes(s *ir.Service, port ir.Port) {
	r := ir.LinkerdRoute{Namespace: s.Namespace, Name: s.Name + "-" + strconv.Itoa(int(port.Port)) + "-calls", Service: s.Name, Port: port.Port,
		From: append(slices.Clone(s.From), port.From...)}
	for _, w := range s.Split {
		r.Backends = append(r.Backends, w)
		r.From = append(r.From, w.From...)
	}
	if len(r.Backends) == 0 {
		r.Backends = []ir.Weighted{{Namespace: s.Namespace, Name: s.Name}}
	}
	if t := s.Timeout; t != nil {
		r.Annotations = append(r.Annotations, ir.KV{Key: "timeout.linkerd.io/request", Value: t.Text})
		r.From = append(r.From, t.From...)
	}
	if s.Retries == nil || s.Retries.Attempts == 0 {
		l.p.Linkerd.Routes = append(l.p.Linkerd.Routes, r)
		return
	}
	again := r
	again.From = append(slices.Clone(r.From), s.Retries.From...)
	again.Annotations = append(slices.Clone(r.Annotations), l.linkerdRetries(s.Retries)...)
	if len(s.Retries.Methods) > 0 {
		// Methods without a retry have a route of their own: annotations hold for a whole route.
		again.Name, again.Methods = again.Name+"-retried", slices.Sorted(slices.Values(s.Retries.Methods))
		l.p.Linkerd.Routes = append(l.p.Linkerd.Routes, r)
	}
	l.p.Linkerd.Routes = append(l.p.Linkerd.Routes, again)
}

func (l *lowering) linkerdRetries(r *ir.Retries) []ir.KV {
	var on []string
	for _, word := range r.On {
		if theirs := l.meshProfile().RetryOn[word]; theirs != "" && !slices.Contains(on, theirs) {
			on = append(on, theirs)
		}
	}
	if len(on) == 0 {
		on = []string{"gateway-error"} // which the mesh names in its own example, and which no application answers by itself
	}
	out := []ir.KV{{Key: "retry.linkerd.io/http", Value: strings.Join(on, ",")}, {Key: "retry.linkerd.io/limit", Value: strconv.Itoa(r.Attempts)}}
	if r.PerTryTimeout != "" {
		out = append(out, ir.KV{Key: "retry.linkerd.io/timeout", Value: r.PerTryTimeout})
	}
	return out
}
