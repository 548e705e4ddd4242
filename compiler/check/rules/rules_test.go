package rules_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/check/rules"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/profiles"
)

// fixture is an example with one hunk changed, so that one rule fires, on the line that changed or the one that line
// names.
type fixture struct {
	rule     string // name
	old, new string // old stands in the example exactly once
	line     string // text of the line that the finding is on; "" for the first line of new
}

var fixtures = []fixture{
	{"not-supported-yet", `kind:        "istio-sidecar"`, `kind:        "linkerd"`, ""},
	{"address-form", `"10.96.0.0/16"`, `"10.96.0.1/16"`, ""},
	{"address-form", `"198.51.100.16-198.51.100.23"`, `"198.51.100.23-198.51.100.16"`, ""},
	{"address-used-twice", `"dc-2": {address: "10.21.0.5"`, `"dc-2": {address: "10.20.0.5"`, ""},
	{"bgp-numbers", `routerID: "10.10.254.\(10*r+i)"`, ``, `(x): {`},
	{"unknown-rack", `racks: ["r1", "r2"]`, `racks: ["r1", "r9"]`, ""},
	{"unknown-spine", `{spine: "s2", interface: port[1]}`, `{spine: "s3", interface: port[1]}`, ""},
	{"unknown-speaker-class", `classes: ["edge"]`, `classes: ["edge", "border"]`, ""},
	{"bgp-timers", `holdTime:      "9s"`, `holdTime:      "8s"`, ""},
	{"node-outside-subnet", `"fra1-r\(r)-edge": {class: "edge", address: "10.10.\(r).11"}`, `"fra1-r\(r)-edge": {class: "edge", address: "10.11.\(r).11"}`, ""},
	{"switch-named-twice", `hostname: "fra1-spine-2"`, `hostname: "fra1-spine-1"`, `s2: {hostname:`},
	{"router-id-used-twice", `routerID: "10.10.255.2"`, `routerID: "10.10.255.1"`, `s2: {hostname:`},
	{"unknown-node-class", `"fra1-r\(r)-cp": {class: "control-plane"`, `"fra1-r\(r)-cp": {class: "control"`, ""},
	{"unknown-os", `edge: {os: "debian12"`, `edge: {os: "debian9"`, ""},
	{"kernel-skew", `at:     "racks.r3.nodes.fra1-r3-w4"`, `at:     "racks.r3.nodes.fra1-r3-w3"`, `r3: nodes: "fra1-r3-w4"`},
	{"default-gateway", `defaultGateway: ["10.10.\(r).1"]`, `defaultGateway: ["10.11.\(r).1"]`, ""},
	{"default-gateway", `defaultGateway: ["10.10.\(r).1"]`, `defaultGateway: ["10.10.\(r).2"]`, ""},
	{"pod-density", `nodeCIDRMask: 24`, `nodeCIDRMask: 25`, `worker: {os: "debian12"`},
	{"kernel-gate", `worker: {os: "debian12", kernel: "6.1.0-28-amd64"`, `worker: {os: "debian12", kernel: "5.10.0-28-amd64"`, ""},
	{"time-source-count", `upstream: "metas"`, `upstream: "ptb"`, `sources: {`},
	{"nts-by-address", `upstream: "metas"`, `upstream: "metas", nts: true`, `upstream: "metas", nts: true`},
	{"unknown-load-balancer-release", `version: "0.16.2"`, `version: "0.9.3"`, ""},
	{"unknown-mesh-release", `version:     "1.31.1"`, `version:     "1.20.1"`, ""},
	{"request-over-limit", `cpu: {request: "100m"`, `cpu: {request: "3"`, `proxy: resources:`},
	{"unknown-pool", `pool:     "public"`, `pool:     "publc"`, ""},
	{"vip-outside-pool", `"203.0.113.10"`, `"203.0.113.40"`, ""},
	{"unknown-placement-class", "replicas: 2\n\t\tplacement: {class: \"edge\"", "replicas: 2\n\t\tplacement: {class: \"edges\"", `placement: {class: "edges"`},
	{"gateway-nowhere", `"fra1-r\(r)-edge": {class: "edge"`, `"fra1-r\(r)-edge": {class: "worker"`, `placement: {class: "edge"`},
	{"source-ranges-need-local", "externalTrafficPolicy: \"Local\"\n\t\tsourceRanges", "externalTrafficPolicy: \"Cluster\"\n\t\tsourceRanges", "sourceRanges:"},
	{"listener-tls", `clientCA: "partners-ca"`, `issuer: "x"`, ""},
	{"gateway-implementation-eol", "owner:    \"edge-team\"\n", "owner:    \"edge-team\"\n\t\timplementation: {kind: \"envoy-gateway\", version: \"1.7.1\"}\n", "implementation:"},
	{"unknown-service", `calls: ["payments/api", "legacy/inbox"]`, `calls: ["payments/api", "legacy/inbx"]`, ""},
	{"unknown-gateway", `expose: [{gateway: "public"`, `expose: [{gateway: "pubic"`, ""},
	{"unknown-external", `egress: ["oracle"]`, `egress: ["orcl"]`, ""},
	{"split-weights", `weight: 90`, `weight: 80`, ""},
	{"host-exposed-twice", `inbox: ports:`, `inbox: expose: [{gateway: "public", host: "pay.example.com", path: "/in"}]
			inbox: ports:`, `expose: [{gateway: "public", host: "pay.example.com", path: "/"}]`},
	{"strict-unmeshed-caller", `mtls:  "permissive"`, `mtls:  "strict"`, `services: poller: calls`},
	{"retries-unmet", "owner:    \"partner-team\"\n\t\tfrontend: \"istio\"", "owner:    \"partner-team\"\n\t\tfrontend: \"gateway-api\"", `expose: [{gateway: "partner"`},
	{"expose-unservable", `ports: http: {port: 80, targetPort: 8080, protocol: "http"}`, `ports: http: {port: 80, targetPort: 8080, protocol: "tcp"}`, `expose: [{gateway: "public"`},
	{"caller-refused", `allow: [{from: ["payments/api", "payments/api-canary"]}]`, `allow: [{from: ["payments/api"]}]`, `"api-canary": {ports:`},
	{"split-ports", `"api-canary": {ports: http: {port: 8080`, `"api-canary": {ports: http: {port: 8081`, `split: [`},
	{"request-intent-on-stream", "serviceAccount: \"payments-api\"\n\t\t\t\tports: http: {port: 8080, protocol: \"http\"}", "serviceAccount: \"payments-api\"\n\t\t\t\tports: http: {port: 8080, protocol: \"tcp\"}", `timeout: "5s"`},
	{"waiver-unknown-rule", `rule:   "kernel-skew"`, `rule:   "kernel-skw"`, ""},
	{"waiver-of-guard", `rule:   "kernel-skew"`, `rule:   "unknown-pool"`, ""},
	{"waiver-unused", `at:     "racks.r3.nodes.fra1-r3-w4"`, `at:     "racks.r3.nodes.fra1-r3-w3"`, ""},
	{"waiver-expired", `until:  "2027-03-31"`, `until:  "2026-03-31"`, ""},
	{"delivery-repository", `repository: "https://git.example.net/platform/fra1.git", `, ``, `delivery: {kind:`},
}

// second are fixtures from the example that has what the first has not.
var second = []fixture{
	{"pod-labels-shared", `services: files: {labels: {app: "archive", tier: "files"}`, `services: index: labels: app: "archive"
		services: files: {labels: {app: "archive", tier: "files"}`, `services: files: {labels`},
	{"gateway-api-missing", `gatewayAPI: {version: "1.6.3", channel: "standard"}`, ``, `frontend: "gateway-api"`},
	{"retries-unmet", `timeout: "3s"`, `retries: {attempts: 1, on: ["reset"], methods: ["GET"]}`, `expose: [{gateway: "public", listener: "https"`},
}

var today = time.Date(2026, time.December, 1, 0, 0, 0, 0, time.UTC)

func exampleText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../../examples/" + name + "/site.cue")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// vet runs the rules on the site, and the waivers.
func vet(t *testing.T, text string) diag.List {
	t.Helper()
	src, found := load.Bytes("site.cue", []byte(text))
	if src == nil {
		t.Fatalf("does not load: %v", found)
	}
	set, err := profile.Read(profiles.FS)
	if err != nil {
		t.Fatal(err)
	}
	in := check.Input{Site: src.Site, Profiles: set, Now: today}
	if err := json.Unmarshal(src.Resolved(), &in.Values); err != nil {
		t.Fatal(err)
	}
	list, _ := check.Run(rules.All, check.OnSite, in)
	list = check.Waive(list, src.Site, append(slices.Clone(rules.All), check.WaiverRules...), check.Terms{Now: today})
	list.Locate(src.PosOf)
	return list.Sorted()
}

func TestFixtures(t *testing.T) {
	fired := map[string]bool{}
	runFixtures(t, exampleText(t, "fra1"), fixtures, fired)
	runFixtures(t, exampleText(t, "muc1"), second, fired)
	for _, r := range append(slices.Clone(rules.All), check.WaiverRules...) {
		if !fired[r.Name] {
			t.Errorf("no fixture makes %s fire", r.Name)
		}
	}
}

// runFixtures changes the text by each fixture and notes which rules have fired.
func runFixtures(t *testing.T, text string, fixtures []fixture, fired map[string]bool) {
	t.Helper()
	for _, f := range vet(t, text) {
		if f.Waived == "" {
			t.Errorf("the example itself is not silent: %s %s %s", f.Pos, f.Name, f.Message)
		}
	}
	for _, fx := range fixtures {
		t.Run(fx.rule, func(t *testing.T) {
			if n := strings.Count(text, fx.old); n != 1 {
				t.Fatalf("the example has %q %d times", fx.old, n)
			}
			changed := strings.Replace(text, fx.old, fx.new, 1)
			line := fx.line
			if line == "" {
				line, _, _ = strings.Cut(fx.new, "\n")
			}
			before, _, ok := strings.Cut(changed, line)
			if !ok {
				t.Fatalf("no line has %q", line)
			}
			want := 1 + strings.Count(before, "\n")
			found := vet(t, changed)
			for _, f := range found {
				if f.Name == fx.rule && f.Waived == "" && f.Pos.Line == want {
					fired[fx.rule] = true
					if f.Message == "" || strings.HasSuffix(f.Message, ".") || strings.Contains(f.Message, "invalid") {
						t.Errorf("message %q", f.Message)
					}
					return
				}
			}
			t.Errorf("does not fire on line %d; found:", want)
			for _, f := range found {
				t.Errorf("  %s %s %s", f.Pos, f.Name, f.Message)
			}
		})
	}
}

var (
	idForm   = regexp.MustCompile(`^MG[0-9]\d{3}$`)
	nameForm = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
)

func TestRegistry(t *testing.T) {
	ids, names := map[string]bool{}, map[string]bool{}
	last := ""
	for _, r := range rules.All {
		if r.ID <= last {
			t.Errorf("%s stands after %s", r.ID, last)
		}
		last = r.ID
		if r.Run == nil {
			t.Errorf("%s does nothing", r.ID)
		}
	}
	for _, r := range append(slices.Clone(rules.All), check.WaiverRules...) {
		if !idForm.MatchString(r.ID) || !nameForm.MatchString(r.Name) || ids[r.ID] || names[r.Name] {
			t.Errorf("%s %s: form, or used twice", r.ID, r.Name)
		}
		ids[r.ID], names[r.Name] = true, true
		title, body, ok := strings.Cut(r.Doc, "\n\n")
		if !ok || len(title) > 100 || strings.HasSuffix(title, ".") || len(body) < 20 {
			t.Errorf("%s: Doc is a title of at most 100 characters, a blank line, and the failure that it prevents", r.ID)
		}
	}
	for _, r := range load.Rules {
		if ids[r.ID] || names[r.Name] {
			t.Errorf("%s %s: loading has it already", r.ID, r.Name)
		}
	}
}
