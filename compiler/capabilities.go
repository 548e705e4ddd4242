package compiler

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/profile"
)

// capabilityPlaces says where the language asks for what a row of the matrix of capabilities is about: a pattern, and
// after "=" a value. A row that is not listed is about the field of a service that it is called after.
var capabilityPlaces = map[string]string{
	"expose.host":               "namespaces.*.services.*.expose.*.host",
	"expose.path":               "namespaces.*.services.*.expose.*.path",
	"calls":                     "namespaces.*.services.*.calls.*",
	"allow.from":                "namespaces.*.services.*.allow.*.from.*",
	"allow.methods":             "namespaces.*.services.*.allow.*.methods.*",
	"allow.paths":               "namespaces.*.services.*.allow.*.paths.*",
	"split.weight":              "namespaces.*.services.*.split.*.weight",
	"route.headers":             "",
	"route.paths":               "",
	"protocol.tcp":              "namespaces.*.services.*.ports.*.protocol=tcp",
	"protocol.udp":              "namespaces.*.services.*.ports.*.protocol=udp",
	"tls.passthrough":           "gateways.*.listeners.*.tls.mode=passthrough",
	"gateway":                   "gateways.*.purpose=ingress",
	"gateway.localTraffic":      "gateways.*.externalTrafficPolicy=Local",
	"egress":                    "namespaces.*.services.*.egress.*",
	"egress.via":                "external.*.via",
	"federation":                "federation.network",
	"upgrade.canary":            "mesh.upgrade.canary.*",
	"mtls.strict":               "mesh.mtls=strict",
	"mtls.permissive":           "namespaces.*.mtls=permissive",
	"trustDomainAliases":        "mesh.trustDomainAliases.*",
	"ca":                        "mesh.ca.kind",
	"upgrade":                   "mesh.upgrade.to",
	"migration":                 "namespaces.*.migration.stage",
	"tracing":                   "observability.tracing.otlp",
	"pushThrottle":              "mesh.controlPlane.pushThrottle",
	"holdApplicationUntilReady": "mesh.proxy.holdApplicationUntilReady=true",
	"workload.vm":               "namespaces.*.services.*.workload=VM",
}

// capabilityPlace returns the place of a row, and "" for a row that the language has nothing for.
func capabilityPlace(row string) (pattern, value string) {
	place, ok := capabilityPlaces[row]
	if !ok {
		place = "namespaces.*.services.*." + row
	}
	pattern, value, _ = strings.Cut(place, "=")
	return pattern, cmp.Or(value, "x")
}

// CapabilitiesReference is the matrix of capabilities in Markdown: what each mesh can do of what a site may ask for, by
// which resource, within which limits, and where that stands.
func CapabilitiesReference() ([]byte, error) {
	set, err := profileSet()
	if err != nil {
		return nil, err
	}
	kinds := set.Meshes()
	var b bytes.Buffer
	b.WriteString(`# What each mesh can do

Made from ` + "`mesh/*_capabilities.cue`; `meshgen rules --matrix` prints it, `make golden`" + ` renews it. A row is a field of what a
site asks for. A number in brackets is a source; they stand below.

- full: as the language defines it
- limited: within limits, which follow
- none: it cannot, and a site that asks for it is refused (MG7141)

`)
	b.WriteString("| Field |")
	for _, kind := range kinds {
		fmt.Fprintf(&b, " %s |", kind)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(kinds)) + "\n")
	notes := &sources{}
	for _, row := range capabilityRows(set) {
		fmt.Fprintf(&b, "| `%s`", row)
		if pattern, _ := capabilityPlace(row); pattern == "" {
			b.WriteString(" (the language has no field for it yet)")
		}
		b.WriteString(" |")
		for _, kind := range kinds {
			fmt.Fprintf(&b, " %s |", strings.ReplaceAll(capabilityCell(set, kind, row, notes), "|", "\\|"))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n## Sources\n\n")
	for i, s := range notes.list {
		fmt.Fprintf(&b, "%d. %s\n", i+1, s)
	}
	return b.Bytes(), nil
}

// capabilityRows are the rows of all meshes, sorted.
func capabilityRows(set *profile.Set) []string {
	rows := map[string]bool{}
	for _, kind := range set.Meshes() {
		for row := range set.Mesh(kind).Capabilities {
			rows[row] = true
		}
	}
	return slices.Sorted(maps.Keys(rows))
}

// sources numbers what cells refer to, in the order of their first use.
type sources struct{ list []string }

func (s *sources) number(text string) int {
	if i := slices.Index(s.list, text); i >= 0 {
		return i + 1
	}
	s.list = append(s.list, text)
	return len(s.list)
}

// capabilityCell is a cell of the table: how well, by what, within which limits, and where that stands.
func capabilityCell(set *profile.Set, kind, row string, notes *sources) string {
	c := set.Mesh(kind).Capability(row)
	text := cellText(c.Cell)
	if c.GatewayAPI != nil {
		text += "; at a gateway of the Gateway API " + cellText(*c.GatewayAPI)
	}
	if c.Date != "" {
		text += fmt.Sprintf(" [%d]", notes.number(c.Source.Source+", "+c.Date))
	}
	return text
}

func cellText(c profile.Cell) string {
	text := string(c.Support)
	if c.By != "" {
		text += ", by " + c.By
	}
	if c.Limits != "" {
		text += ": " + c.Limits
	}
	return text
}
