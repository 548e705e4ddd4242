package compiler

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestStreamsBesideLinkerd: a gateway program passes datagrams and connections to services of a mesh that has no gateway of
// its own. The mesh's proxies take the connections; datagrams go past them, and network policies alone hold them.
func TestStreamsBesideLinkerd(t *testing.T) {
	const bundle = `channel: "experimental"} // no later: Linkerd 2.20 would not read it. Of TLSRoutes it reads v1alpha2 alone
`
	text := read(t, filepath.Join(examplesDir, "lla1", "site.cue"))
	if !strings.Contains(text, bundle) {
		t.Fatalf("examples/lla1 has no %q", bundle)
	}
	out := compileText(t, "lla1.cue", strings.Replace(text, bundle, `channel: "experimental"}
}
gateways: local: listeners: {
	logs: {port: 514, protocol: "udp"}
	lines: {port: 2514, protocol: "tcp"}
	secured: {port: 6514, protocol: "tcp", tls: {mode: "terminate", secret: "lines"}}
}
namespaces: intake: services: lines: {
	ports: {
		logs: {port: 514, targetPort: 5514, protocol: "udp"}
		lines: {port: 2514, protocol: "tcp"}
	}
	expose: [
		{gateway: "local", listener: "logs", host: "logs.example.net"},
		{gateway: "local", listener: "lines", host: "lines.example.net"},
		{gateway: "local", listener: "secured", host: "secured.example.net"},
	]
}
kubernetes: {
`, 1))
	objects := objectsOf(t, out.Tree)
	for _, place := range []string{
		"UDPRoute intake/local-logs.example.net: apiVersion = gateway.networking.k8s.io/v1alpha2",
		"UDPRoute intake/local-logs.example.net: spec rules * backendRefs * port = 514",
		"TCPRoute intake/local-lines.example.net: spec parentRefs * sectionName = lines",
		"TCPRoute intake/local-secured.example.net: spec parentRefs * sectionName = secured",
		"Gateway gateway-local/local: spec listeners * protocol = UDP",
		"Gateway gateway-local/local: spec listeners * protocol = TLS",
		"NetworkPolicy gateway-local/*: spec ingress * ports * port = 514",
		"NetworkPolicy intake/service-lines: spec ingress * ports * port = 5514",
		"Server intake/lines-*: spec port = 2514",
	} {
		if !stands(t, place, objects) {
			t.Errorf("not in the output: %s", place)
		}
	}
	if place := "Server intake/*: spec port = 5514"; stands(t, place, objects) {
		t.Errorf("in the output: %s, and the proxy takes TCP alone", place)
	}
}
