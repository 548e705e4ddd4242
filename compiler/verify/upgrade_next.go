package verify

import (
	"strings"

	"meshgen.dev/meshgen/compiler/verify/schemas"
)

// While an upgrade is under way, the tree is that of the release that runs, and is given to both: the charts of the next
// one are installed with its values, and its objects stay when their kinds have changed.

// checkNextValues holds the values of the tree against the charts that the upgrade leads to.
func (p *pass) checkNextValues(sets []*schemas.Set) {
	u := p.releases.Upgrade
	if u == nil {
		return
	}
	for _, name := range sortedKeys(u.Charts) {
		v, chart := p.values[name], u.Charts[name]
		if v == nil {
			continue
		}
		next := p.chartSet(v, sets, chart, ", to which the upgrade leads")
		if next == nil {
			continue
		}
		if now, ok := p.schemas(sets, "chart-"+chart.Name, p.releases.Charts[name].Version, ""); ok && now == next {
			continue
		}
		p.checkKeys(v, next, "chart "+chart.Version+", to which the upgrade leads: ")
	}
}

// checkNextKinds holds the objects of the tree against their kinds as the upgrade makes them.
func (p *pass) checkNextKinds(kinds []*kindOfObjects) {
	u := p.releases.Upgrade
	if u == nil {
		return
	}
	sets, err := schemas.Index()
	if err != nil {
		p.internal(err)
		return
	}
	for _, k := range kinds {
		component := p.componentOf(sets, k.objects[0].group, k.of.entry)
		release, moves := u.Components[component]
		if !moves {
			continue
		}
		next, ok := p.schemas(sets, component, release, "")
		if !ok || next.File == k.of.archive {
			continue
		}
		e, ok, err := next.Entry(k.of.entry)
		if err != nil {
			p.internal(err)
			continue
		}
		if !ok {
			k.objects[0].report(p, ruleSchema, fieldPath{"apiVersion"}, "%s %s, to which the upgrade leads, does not serve %s", component, release, k.of.entry)
			continue
		}
		after := &kindOfObjects{objects: k.objects, of: schemaOf{next.File, k.of.entry, k.of.loose}, schema: e.Schema}
		after.violations, after.err = after.validate()
		p.reportKinds([]*kindOfObjects{after})
	}
}

// checkLinkerdUpgrade: the values of a step say something else than those of the tree, or nobody would need them; and what the
// injector gives to pods is decided in one step.
func (p *pass) checkLinkerdUpgrade() {
	own, _ := p.linkerdValues()
	if own == nil {
		return
	}
	for _, name := range sortedKeys(p.upgradeValues) {
		path := fieldPath{"proxy", "nativeSidecar"}
		if v := p.upgradeValues[name]; get(v.value, "proxy", "nativeSidecar") != true || get(own.value, "proxy", "nativeSidecar") != false {
			v.report(p, ruleLinkerd, path, "it does not make native sidecars of proxies that are none")
		} else if get(v.value, "proxy", "await") != true {
			v.report(p, ruleLinkerd, path, "native sidecars hold their pods with proxy.await alone")
		}
	}
	for _, c := range p.upgraded.calls {
		if name, ok := chartCall(c); ok && c.kind == "does" && p.releases.Charts[name].Name == linkerdChart && strings.Contains(strings.Join(c.args, " "), "/upgrade/") != (len(p.upgradeValues) > 0) {
			p.report(p.upgraded.file, c.line, ruleLinkerd, "pods would restart once for the release and once more for their sidecars")
		}
	}
}
