package compiler

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/check/rules"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
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

// notYet reports whether MG0900 refuses a value at a place with a kind of mesh, in a site that says nothing else. In the
// pattern "*" stands for any name or place of a list.
func notYet(kind, pattern, value string) bool {
	var doc any = value
	for _, seg := range slices.Backward(strings.Split(pattern, ".")) {
		doc = map[string]any{seg: doc}
	}
	in := check.Input{Site: &site.Site{Mesh: site.Mesh{Kind: kind}}, Values: doc}
	found, _ := check.Run([]*check.Rule{rules.NotSupportedYet}, check.OnSite, in)
	return len(found) > 0
}

// CapabilitiesReference is the matrix of capabilities in Markdown: what each mesh can do of what a site may ask for, by
// which resource, within which limits, and where that stands.
func CapabilitiesReference() ([]byte, error) {
	set, err := profileSet()
	if err != nil {
		return nil, err
	}
	kinds := set.Meshes()
	rows := map[string]bool{}
	for _, kind := range kinds {
		for row := range set.Mesh(kind).Capabilities {
			rows[row] = true
		}
	}
	var b bytes.Buffer
	b.WriteString(`# What each mesh can do

Made from the files beside this one; ` + "`make golden`" + ` renews it. A row is a field of what a site asks for.

- full: as the language defines it
- limited: within limits, which stand below
- none: it cannot, and a site that asks for it is refused (MG7141)
- not yet: it can, and meshgen does not print it: a site that asks for it is refused (MG0900)

`)
	b.WriteString("| Field |")
	for _, kind := range kinds {
		fmt.Fprintf(&b, " %s |", kind)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(kinds)) + "\n")
	for _, row := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(&b, "| `%s` |", row)
		for _, kind := range kinds {
			fmt.Fprintf(&b, " %s |", capabilityCell(set, kind, row))
		}
		b.WriteString("\n")
	}
	for _, row := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(&b, "\n## `%s`\n\n", row)
		if pattern, _ := capabilityPlace(row); pattern == "" {
			b.WriteString("The language has no field for it yet.\n\n")
		}
		for _, kind := range kinds {
			c := set.Mesh(kind).Capability(row)
			fmt.Fprintf(&b, "- %s: %s", kind, cellText(c.Cell))
			if c.GatewayAPI != nil {
				fmt.Fprintf(&b, "; at a gateway of the Gateway API: %s", cellText(*c.GatewayAPI))
			}
			if c.Date != "" {
				fmt.Fprintf(&b, ". Source: %s, %s", c.Source.Source, c.Date)
			}
			b.WriteString("\n")
		}
	}
	return b.Bytes(), nil
}

// capabilityCell is a cell of the table.
func capabilityCell(set *profile.Set, kind, row string) string {
	support := set.Mesh(kind).Capability(row).Support
	if support == profile.None {
		return string(support)
	}
	pattern, value := capabilityPlace(row)
	if pattern != "" && (notYet(kind, "mesh.kind", kind) || notYet(kind, pattern, value)) {
		return string(support) + ", not yet"
	}
	return string(support)
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
