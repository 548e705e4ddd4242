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
		if !s.Meshed && s.Workload != ir.Machine || s.Timeout == nil && s.Retries == nil && len(s.Split) == 0 {
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
	r := ir.LinkerdRoute{Namespace: s.Namespace, Name: s.Name + "-" + strconv.Itoa(int(port.Port)) + "-calls", Service: s.Name, Port: port.Port, GRPC: port.Protocol == "grpc",
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
	retries := s.Retries
	if retries != nil && r.GRPC && len(retries.Methods) > 0 && !slices.Contains(retries.Methods, "POST") {
		retries = nil // every call of gRPC is a POST
	}
	if retries == nil || retries.Attempts == 0 {
		l.p.Linkerd.Routes = append(l.p.Linkerd.Routes, r)
		return
	}
	again := r
	again.From = append(slices.Clone(r.From), retries.From...)
	again.Annotations = append(slices.Clone(r.Annotations), l.linkerdRetries(retries, r.GRPC)...)
	if len(retries.Methods) > 0 && !r.GRPC {
		// Methods without a retry have a route of their own: annotations hold for a whole route.
		again.Name, again.Methods = again.Name+"-retried", slices.Sorted(slices.Values(retries.Methods))
		l.p.Linkerd.Routes = append(l.p.Linkerd.Routes, r)
	}
	l.p.Linkerd.Routes = append(l.p.Linkerd.Routes, again)
}

// linkerdRetries are the annotations of a route. Conditions of requests mean nothing on a GRPCRoute, and codes of gRPC nothing on
// an HTTPRoute: each is read on its own kind alone.
func (l *lowering) linkerdRetries(r *ir.Retries, grpc bool) []ir.KV {
	// Without a word of the site's: what no application answers by itself.
	key, words, on := "retry.linkerd.io/http", l.meshProfile().RetryOn, []string{"gateway-error"}
	if grpc {
		key, words = "retry.linkerd.io/grpc", l.meshProfile().RetryOnGRPC
	}
	if len(r.On) > 0 {
		on = r.On
	}
	var theirs []string
	for _, word := range on {
		for code := range strings.SplitSeq(words[word], ",") {
			if code != "" && !slices.Contains(theirs, code) {
				theirs = append(theirs, code)
			}
		}
	}
	out := []ir.KV{{Key: key, Value: strings.Join(theirs, ",")}, {Key: "retry.linkerd.io/limit", Value: strconv.Itoa(r.Attempts)}}
	if r.PerTryTimeout != "" {
		out = append(out, ir.KV{Key: "retry.linkerd.io/timeout", Value: r.PerTryTimeout})
	}
	return out
}
