package main

import (
	"context"
	"flag"
	"log"
	"os/exec"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// enforce keeps the node's nftables at what the cluster's NetworkPolicies say. All rules are written anew, in one
// transaction, whenever a pod, a namespace or a policy changes: a node holds a hundred pods, so that is quick.
//
// As with other enforcers, a pod's first instants are open, until its address is known; and a connection that stands
// outlives a policy that comes later.
func enforce() {
	config := flag.String("kubeconfig", "", "who we are for the API server")
	flag.Parse()
	watched := informers.NewSharedInformerFactory(client(*config), 0)
	pods := watched.Core().V1().Pods()
	namespaces := watched.Core().V1().Namespaces()
	policies := watched.Networking().V1().NetworkPolicies()
	changed := make(chan struct{}, 1)
	wake := func(any) {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	for _, each := range []cache.SharedIndexInformer{pods.Informer(), namespaces.Informer(), policies.Informer()} {
		on(each, wake)
		if _, err := each.AddEventHandler(cache.ResourceEventHandlerFuncs{DeleteFunc: wake}); err != nil {
			log.Fatal(err)
		}
	}
	never := context.Background().Done()
	watched.Start(never)
	watched.WaitForCacheSync(never)
	last := ""
	for range changed {
		time.Sleep(20 * time.Millisecond) // what changes together is written together
		p, err := pods.Lister().List(labels.Everything())
		n, err2 := namespaces.Lister().List(labels.Everything())
		r, err3 := policies.Lister().List(labels.Everything())
		if err != nil || err2 != nil || err3 != nil {
			log.Fatal(err, err2, err3) // never: these lists are our own memory
		}
		rules := newCluster(p, n).rules(r)
		if rules == last {
			continue
		}
		if err := apply(rules); err != nil {
			log.Fatal(err) // started again, it begins with nothing remembered
		}
		last = rules
		log.Print("rules written for ", len(r), " policies")
	}
}

func apply(rules string) error {
	nft := exec.Command("nft", "-f", "-")
	nft.Stdin = strings.NewReader(rules)
	if said, err := nft.CombinedOutput(); err != nil {
		log.Print(string(said), rules)
		return err
	}
	return nil
}

// cluster is what policies speak of: pods with an address of their own, and the labels of namespaces.
type cluster struct {
	pods       []*v1.Pod
	namespaces map[string]labels.Set
}

func newCluster(pods []*v1.Pod, namespaces []*v1.Namespace) *cluster {
	c := &cluster{namespaces: map[string]labels.Set{}}
	for _, each := range namespaces {
		c.namespaces[each.Name] = each.Labels
	}
	for _, each := range pods {
		over := each.Status.Phase == v1.PodSucceeded || each.Status.Phase == v1.PodFailed
		if each.Status.PodIP != "" && !each.Spec.HostNetwork && !over {
			c.pods = append(c.pods, each)
		}
	}
	return c
}

// directions of a policy; one that names none means ingress, and egress where it has rules for it.
func directions(policy *networking.NetworkPolicy) (ingress, egress bool) {
	for _, each := range policy.Spec.PolicyTypes {
		ingress = ingress || each == networking.PolicyTypeIngress
		egress = egress || each == networking.PolicyTypeEgress
	}
	if len(policy.Spec.PolicyTypes) == 0 {
		return true, len(policy.Spec.Egress) > 0
	}
	return ingress, egress
}
