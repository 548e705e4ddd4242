package verify

import (
	"reflect"
	"slices"
	"strings"
)

// linkerdStageNames are the stages of a namespace's way to mutual TLS, in their order.
var linkerdStageNames = []string{"observe", "permissive", "strict"}

// observed reports whether a Server lets everybody pass because its namespace is at stage observe: the stage has it so, and
// no other of its Servers refuses anybody.
func (p *pass) observed(server *object) bool {
	for _, o := range p.objects {
		if o.is(linkerdGroup, "Server") && o.namespace == server.namespace && o.name != "proxy-metrics" && str(o.value, "spec", "accessPolicy") != "audit" {
			return false
		}
	}
	return slices.ContainsFunc(p.staged, func(o *object) bool {
		return p.stageOf(o) == "migration/"+server.namespace+"/observe" && o.String() == server.String() && reflect.DeepEqual(get(o.value, "spec"), get(server.value, "spec"))
	})
}

// checkLinkerdStage: each stage of a namespace has the objects of every other, so that applying it takes the place of that
// one; all Servers of it do the same with whom no policy admits; and in stage strict nobody passes without a certificate
// but kubelets that probe.
func (p *pass) checkLinkerdStage(namespace, stage string, objects []*object) {
	want := "deny"
	if stage == "observe" {
		want = "audit"
	}
	there := map[string]*object{}
	for _, o := range objects {
		there[o.String()] = o
		if o.namespace != namespace {
			o.report(p, ruleStaged, nil, "it is not of namespace %s", namespace)
		}
		if o.is(linkerdGroup, "Server") && str(o.value, "spec", "accessPolicy") != want {
			o.report(p, ruleStaged, fieldPath{"spec", "accessPolicy"}, "stage %s has %s", stage, want)
		}
	}
	for _, o := range objects {
		if !o.is(linkerdGroup, "AuthorizationPolicy") {
			continue
		}
		certified, anyone := false, false
		for _, ref := range list(o.value, "spec", "requiredAuthenticationRefs") {
			a := there[str(ref, "kind")+" "+namespace+"/"+str(ref, "name")]
			switch {
			case a == nil:
				o.report(p, ruleStaged, fieldPath{"spec", "requiredAuthenticationRefs"}, "the stage has no %s %s", str(ref, "kind"), str(ref, "name"))
			case a.kind == "MeshTLSAuthentication":
				certified = true
			default:
				anyone = anyone || slices.ContainsFunc(list(a.value, "spec", "networks"), func(n any) bool { return strings.HasSuffix(str(n, "cidr"), "/0") })
			}
		}
		if target := get(o.value, "spec", "targetRef"); there[str(target, "kind")+" "+namespace+"/"+str(target, "name")] == nil {
			o.report(p, ruleStaged, fieldPath{"spec", "targetRef"}, "the stage has no %s %s", str(target, "kind"), str(target, "name"))
		}
		// Where permissive is the last stage, it asks pods of the mesh for a certificate as strict does.
		last := stage == "strict" || stage == "permissive" && !p.hasStage(namespace, "strict")
		if anyone && (stage == "strict" && !certified || certified && !last) {
			o.report(p, ruleStaged, fieldPath{"spec", "requiredAuthenticationRefs"}, "stage %s: callers without a certificate", stage)
		}
	}
	p.checkStagesAlike(namespace, stage, there)
}

func (p *pass) hasStage(namespace, stage string) bool {
	return slices.ContainsFunc(p.staged, func(o *object) bool { return p.stageOf(o) == "migration/"+namespace+"/"+stage })
}

// checkStagesAlike compares a stage with the ones before it, and with the site's own Servers of the namespace.
func (p *pass) checkStagesAlike(namespace, stage string, there map[string]*object) {
	for _, before := range linkerdStageNames[:max(0, slices.Index(linkerdStageNames, stage))] {
		n := 0
		for _, o := range p.staged {
			if p.stageOf(o) != "migration/"+namespace+"/"+before || o.kind == "MeshTLSAuthentication" {
				continue
			}
			n++
			is := there[o.String()]
			if is == nil {
				o.report(p, ruleStaged, nil, "stage %s does not have it: applied, it would leave this one as it is", stage)
			} else if o.kind == "Server" && !reflect.DeepEqual(less(o.value, []string{"spec", "accessPolicy"}), less(is.value, []string{"spec", "accessPolicy"})) {
				is.report(p, ruleStaged, nil, "it differs from that of stage %s in more than accessPolicy", before)
			}
		}
		if n == 0 {
			p.missing(ruleStaged, "migration/%s has no stage %s before %s", namespace, before, stage)
		}
	}
	for _, o := range p.objects {
		if o.namespace == namespace && o.is(linkerdGroup, "Server") && o.name != "proxy-metrics" && there[o.String()] == nil {
			o.report(p, ruleStaged, nil, "stage %s of its namespace leaves it as it is", stage)
		}
	}
}
