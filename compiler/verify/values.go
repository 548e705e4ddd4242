package verify

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/verify/schemas"
)

// values are what a Helm release is installed with.
type values struct {
	file    *artifact.File
	node    *yaml.Node
	value   map[string]any
	release string
}

func (v *values) String() string { return "values of " + v.release }

func (v *values) report(p *pass, rule string, path fieldPath, format string, args ...any) {
	where := v.String()
	if len(path) > 0 {
		where += ": " + path.String()
	}
	p.report(v.file, lineOf(v.node, path), rule, "%s: %s", where, fmt.Sprintf(format, args...))
}

// readValues is the verifier of charts/<site>/<release>/values.yaml. A file of comments alone is no values.
func readValues(f *artifact.File, p *pass) {
	if parts := strings.Split(f.Path(), "/"); parts[1] == p.releases.Site { // another site of the fleet has its own run
		p.readValuesInto(f, p.values, parts[2])
	}
}

// readUpgradeValues is the verifier of charts/<site>/upgrade/<folder>/values.yaml.
func readUpgradeValues(f *artifact.File, p *pass) {
	if parts := strings.Split(f.Path(), "/"); parts[1] == p.releases.Site {
		p.readValuesInto(f, p.upgradeValues, parts[3])
	}
}

func (p *pass) readValuesInto(f *artifact.File, all map[string]*values, name string) {
	v := &values{file: f, node: &yaml.Node{Kind: yaml.MappingNode, Line: 1}, value: map[string]any{}, release: name}
	docs := p.documents(f)
	switch {
	case len(docs) > 1 || len(docs) == 1 && docs[0].Kind != yaml.MappingNode:
		p.report(f, 0, ruleYAML, "values are one mapping")
		return
	case len(docs) == 1:
		v.node, v.value = docs[0], dict(value(docs[0]))
	}
	all[name] = v
}

// checkCharts holds the values of each release against its chart: every key must be one that the chart reads, and where
// the chart brings a schema the values must hold against it, as Helm would check them.
func (p *pass) checkCharts() {
	sets, err := schemas.Index()
	if err != nil {
		p.internal(err)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		v := p.values[name]
		chart, ok := p.releases.Charts[name]
		if !ok {
			v.report(p, ruleValues, nil, "no chart release of that name is declared")
			continue
		}
		if set := p.chartSet(v, sets, chart, ""); set != nil {
			p.checkValues(v, set)
			p.checkCNIFolders(v, chart.Name)
		}
	}
	p.checkUpgradeValues(sets)
	p.checkNextValues(sets)
	for _, name := range slices.Sorted(maps.Keys(p.releases.Charts)) {
		if p.values[name] == nil {
			p.missing(ruleValues, "charts/%s/%s/values.yaml does not exist, release %s is declared", p.releases.Site, name, name)
		}
	}
}

// chartSet returns what is known of the keys of a chart, or says that nothing is; note says which chart it is, where that
// is not the one that the tree installs.
func (p *pass) chartSet(v *values, sets []*schemas.Set, chart Chart, note string) *schemas.Set {
	component := "chart-" + chart.Name
	set, ok := p.schemas(sets, component, chart.Version, "")
	if !ok {
		v.report(p, ruleNoSchema, nil, "there are no known keys for chart %s %s%s; known: %s", chart.Name, chart.Version, note, known(sets, component))
		return nil
	}
	return set
}

// checkKeys holds values against the keys that a chart reads and the schema that it brings; before begins each report.
func (p *pass) checkKeys(v *values, set *schemas.Set, before string) {
	for _, entry := range []string{"keys", "schema"} {
		e, ok, err := set.Entry(entry)
		if err != nil {
			p.internal(err)
			return
		}
		if !ok {
			continue
		}
		// Helm validates what comes out over the chart's defaults, which supply what is required.
		found, err := violations(schemaOf{set.File, entry, true}, e.Schema, []any{v.value})
		if err != nil {
			p.internal(err)
			continue
		}
		for _, f := range found[0] {
			v.report(p, ruleValues, f.path, "%s%s", before, f.text)
		}
	}
}

func (p *pass) checkValues(v *values, set *schemas.Set) {
	p.checkKeys(v, set, "")
	p.checkFragments(v, nil, v.value)
	if set.Component == "chart-gateway" {
		p.checkGatewayValues(v)
	}
	if set.Component == "chart-base" {
		p.checkDefaultRevision(v)
	}
	if set.Component == "chart-istiod" {
		p.checkBudget(v, fieldPath{"pdb"}, v.value["pdb"])
		p.checkIstiodValues(v)
	}
}

// checkGatewayValues checks the parts of a gateway's values that the chart copies into a Service and a budget.
func (p *pass) checkGatewayValues(v *values) {
	at, service := fieldPath{"service"}, v.value["service"]
	oneOf(p, v, ruleService, at, service, "type", "ClusterIP", "NodePort", "LoadBalancer", "None")
	oneOf(p, v, ruleService, at, service, "externalTrafficPolicy", "", "Cluster", "Local")
	oneOf(p, v, ruleService, at, service, "internalTrafficPolicy", "", "Cluster", "Local")
	oneOf(p, v, ruleService, at, service, "ipFamilyPolicy", "", "SingleStack", "PreferDualStack", "RequireDualStack")
	if ports, ok := get(service, "ports").([]any); ok {
		t := str(service, "type")
		p.checkServicePorts(v, at.to("ports"), ports, portRules{nodePorts: t != "ClusterIP"})
	}
	p.checkServiceAddresses(v, at, service)
	p.checkBudget(v, fieldPath{"podDisruptionBudget"}, v.value["podDisruptionBudget"])
	scaling := v.value["autoscaling"]
	low, okLow := integer(scaling, "minReplicas")
	high, okHigh := integer(scaling, "maxReplicas")
	if okLow && okHigh && low > high {
		v.report(p, ruleWorkload, fieldPath{"autoscaling", "minReplicas"}, "%d is more than maxReplicas %d", low, high)
	}
	// The chart renders a budget only when it can be met (templates/poddisruptionbudget.yaml).
	replicas := low
	if get(scaling, "enabled") == false {
		replicas, _ = integer(v.value, "replicaCount")
	}
	if len(dict(v.value, "podDisruptionBudget")) > 0 && replicas < 2 {
		v.report(p, ruleValues, fieldPath{"podDisruptionBudget"}, "has no effect: there may be a single replica")
	}
}
