package compiler

import (
	"path/filepath"
	"strings"
	"testing"
)

// policyVariants are examples with one passage changed: what the examples alone do not combine.
var policyVariants = []struct{ name, example, old, new string }{
	{"the target of a split is exposed too, on another host", "fra1",
		`"api-canary": {ports:`, `"api-canary": {expose: [{gateway: "partner", host: "canary.example.com", path: "/"}], ports:`},
	{"the target of a split is exposed too, on the same host", "fra1",
		`"api-canary": {ports:`, `"api-canary": {expose: [{gateway: "partner", host: "partners.example.com", path: "/canary"}], ports:`},
	{"the target of a split listens elsewhere", "fra1",
		`"api-canary": {ports: http: {port: 8080,`, `"api-canary": {ports: http: {port: 8080, targetPort: 9080,`},
	{"the target of a split has a port of its own", "fra1",
		`"api-canary": {ports: http: {port: 8080, protocol: "http"}`, `"api-canary": {ports: {admin: {port: 8070, protocol: "http"}, http: {port: 8080, protocol: "http"}}`},
	{"the target of a split is called too, and has a port of its own", "muc1",
		`calls: ["shop/cart", "stock/api"]`, `calls: ["shop/cart", "shop/cart-next", "stock/api"]`},
	{"the source of a split names its callers and what they may do", "fra1",
		`egress: ["cards"]
				expose: [{gateway: "partner"`, `egress: ["cards"]
				allow: [{from: ["web/frontend"], methods: ["GET"], paths: ["/v1", {exact: "/"}]}]
				expose: [{gateway: "partner"`},
	{"an exact path", "fra1", `host: "partners.example.com", path: "/v1"`, `host: "partners.example.com", path: exact: "/v1"`},
	{"every path but under a trailing slash", "fra1", `host: "partners.example.com", path: "/v1"`, `host: "partners.example.com", path: "/v1/x/"`},
	{"two listeners", "fra1", `listeners: https: {port: 8443,`, `listeners: plain: {port: 8080, protocol: "http"}
		listeners: https: {port: 8443,`},
	{"source ranges in front of the Gateway API", "muc1", `replicas: 4`, `sourceRanges: ["198.51.100.0/25", "203.0.113.64/26"]
	replicas: 4`},
	{"clients' certificates in front of the Gateway API", "muc1",
		`tls: {mode: "terminate", secret: "shop-example-net"}`, `tls: {mode: "mutual", secret: "shop-example-net", clientCA: "shop-ca"}`},
	{"a gateway that hides the client", "fra1", `externalTrafficPolicy: "Local"`, `externalTrafficPolicy: "Cluster"`},
	{"a meshed scraper", "fra1", `serviceAccount: "prometheus-k8s", meshed: false`, `serviceAccount: "prometheus-k8s", meshed: true`},
	{"a scraper", "muc1", `observability: accessLogs: "off"`, `observability: {accessLogs: "off", scraper: {namespace: "watch", serviceAccount: "prom"}}`},
	{"pods known by other labels", "fra1", `store: {workload: "StatefulSet",`, `store: {labels: {app: "store"}, workload: "StatefulSet",`},
	{"a split that callers without a sidecar do not see", "fra1", `inbox: ports: http: {port: 8080, protocol: "http"}`,
		`inbox: {ports: http: {port: 8080, protocol: "http"}, split: [{service: "inbox", weight: 50}, {service: "inbox-next", weight: 50}]}
			"inbox-next": ports: http: {port: 8080, protocol: "http"}`},
	{"methods for an unmeshed caller", "fra1", `inbox: ports: http: {port: 8080, protocol: "http"}`,
		`inbox: {ports: http: {port: 8080, protocol: "http"}, allow: [{from: ["plant/poller"], methods: ["POST"]}, {from: ["web/frontend"]}]}`},
	{"an ambient mesh that takes plain text", "krk1", `trustDomainAliases: ["old.krk1.example.net"]`, `trustDomainAliases: ["old.krk1.example.net"]
	mtls: "permissive"`},
	{"an ambient mesh that holds nobody to a registry", "krk1", `trustDomainAliases: ["old.krk1.example.net"]`, `trustDomainAliases: ["old.krk1.example.net"]
	egressPolicy: "allow-any"`},
	{"a stream behind a waypoint, and behind none", "krk1", `expose: [{gateway: "public", host: "ledger.example.org", path: "/status"}]`,
		`expose: [{gateway: "public", listener: "mqtts", host: "db.example.org"}]`},
	{"a machine that calls, known by its address", "wro1", `waivers: [{`, `namespaces: yard: services: gate: calls: ["stock/meter", "shop/prices"]
waivers: [{rule: "vm-no-way-in", at: "namespaces.yard.services.gate.calls", reason: "the switches lead to pods", until: "2027-02-28"}, {`},
	{"machines that are called from outside the mesh", "wro1", `calls: ["stock/meter"]}`, `calls: ["stock/meter", "yard/gate"]}`},
	{"a machine behind a gateway", "wro1", `			timeout: "4s"
`, `			expose: [{gateway: "public", host: "gate.example.org", path: "/gate"}]
`},
	{"a machine behind a gateway and a waypoint", "krk1", `			timeout: "20s"
`, `			expose: [{gateway: "public", host: "print.example.org", path: "/print"}]
`},
	{"clients of an exposure, by their addresses", "dus2", `exposures: dns:`, `exposures: drop: {owner: "dns-team", pool: "public", addresses: ["198.51.100.67"], service: "files/drop", externalTrafficPolicy: "Local", ports: sftp: {port: 22, protocol: "tcp"}}
namespaces: files: {owner: "dns-team", mtls: "permissive", services: drop: {workload: "DaemonSet", ports: {sftp: {port: 2222, protocol: "tcp"}, admin: {port: 8080, protocol: "http"}}}}
exposures: dns:`},
	{"clients of an exposure in an ambient mesh, by their addresses", "krk1", `external: {`, exposedDrop("Local") + `external: {`},
	{"clients of an exposure in an ambient mesh, by a node's address", "krk1", `external: {`, exposedDrop("Cluster") + `external: {`},
	{"an outside that is known by names and addresses", "fra1", `oracle: {addresses`, `oracle: {hosts: ["db.example.org"], addresses`},
}

// exposedDrop is an exposure of krk1 that leads to a service which takes plain text, and has a port besides.
func exposedDrop(policy string) string {
	return `exposures: drop: {owner: "shop-team", pool: "public", addresses: ["192.0.2.131"], service: "legacy/drop", externalTrafficPolicy: "` + policy + `", ports: sftp: {port: 22, protocol: "tcp"}}
namespaces: legacy: services: drop: ports: {sftp: {port: 2222, protocol: "tcp"}, admin: {port: 8081, protocol: "http"}}
`
}

// TestPolicyVariants asks the oracle about each variant, as TestPolicy does about the examples.
func TestPolicyVariants(t *testing.T) {
	for _, v := range policyVariants {
		t.Run(v.name, func(t *testing.T) {
			text := read(t, filepath.Join(examplesDir, v.example, "site.cue"))
			changed := strings.Replace(text, v.old, v.new, 1)
			if changed == text {
				t.Fatalf("examples/%s has no %q", v.example, v.old)
			}
			inquire(t, changed).run(t)
		})
	}
}
