package main

import (
	"context"
	"flag"
	"log"
	"os"
	"path/filepath"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	provisionerName = "somahub-lab/local"
	asked           = "volume.kubernetes.io/storage-provisioner"
	provisionedBy   = "pv.kubernetes.io/provisioned-by"
)

// provisioner makes one folder per claim, handed out as a "local" volume: on these the kubelet applies fsGroup, as on
// a disk; on the hostPath volumes of the controller manager's own provisioner it does not.
type provisioner struct {
	client       kubernetes.Interface
	folder, node string
}

func provision() {
	config := flag.String("kubeconfig", "", "who we are for the API server")
	folder := flag.String("folder", "", "where volumes lie")
	node := flag.String("node", "", "the node's name")
	flag.Parse()
	p := &provisioner{client(*config), *folder, *node}
	watched := informers.NewSharedInformerFactory(p.client, 30*time.Second)
	on(watched.Core().V1().PersistentVolumeClaims().Informer(), p.claim)
	on(watched.Core().V1().PersistentVolumes().Informer(), p.volume)
	watched.Start(context.Background().Done())
	select {}
}

// claim gives a claim its volume. The API server refuses the same volume twice, so asking again does no harm.
func (p *provisioner) claim(found any) {
	c := found.(*v1.PersistentVolumeClaim)
	if c.Spec.VolumeName != "" || c.DeletionTimestamp != nil || c.Spec.StorageClassName == nil || c.Annotations[asked] != provisionerName {
		return
	}
	name := "pvc-" + string(c.UID)
	path := filepath.Join(p.folder, name)
	if err := os.MkdirAll(path, 0o755); err != nil {
		log.Print(err)
		return
	}
	volume := &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{provisionedBy: provisionerName}},
		Spec: v1.PersistentVolumeSpec{
			Capacity:                      v1.ResourceList{v1.ResourceStorage: c.Spec.Resources.Requests[v1.ResourceStorage]},
			AccessModes:                   c.Spec.AccessModes,
			StorageClassName:              *c.Spec.StorageClassName,
			PersistentVolumeReclaimPolicy: v1.PersistentVolumeReclaimDelete,
			ClaimRef: &v1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: c.Namespace, Name: c.Name, UID: c.UID,
			},
			PersistentVolumeSource: v1.PersistentVolumeSource{Local: &v1.LocalVolumeSource{Path: path}},
			NodeAffinity: &v1.VolumeNodeAffinity{Required: &v1.NodeSelector{NodeSelectorTerms: []v1.NodeSelectorTerm{{
				MatchExpressions: []v1.NodeSelectorRequirement{{Key: v1.LabelHostname, Operator: "In", Values: []string{p.node}}},
			}}}},
		},
	}
	_, err := p.client.CoreV1().PersistentVolumes().Create(context.Background(), volume, metav1.CreateOptions{})
	log.Print("volume for ", c.Namespace, "/", c.Name, ": ", err)
}

// volume removes a volume whose claim is gone.
func (p *provisioner) volume(found any) {
	v := found.(*v1.PersistentVolume)
	if v.Annotations[provisionedBy] != provisionerName || v.Status.Phase != v1.VolumeReleased ||
		v.Spec.PersistentVolumeReclaimPolicy != v1.PersistentVolumeReclaimDelete || v.DeletionTimestamp != nil {
		return
	}
	if err := os.RemoveAll(v.Spec.Local.Path); err != nil {
		log.Print(err)
		return
	}
	err := p.client.CoreV1().PersistentVolumes().Delete(context.Background(), v.Name, metav1.DeleteOptions{})
	log.Print("removed ", v.Name, ": ", err)
}

func client(config string) kubernetes.Interface {
	loaded, err := clientcmd.BuildConfigFromFlags("", config)
	if err != nil {
		log.Fatal(err)
	}
	loaded.QPS, loaded.Burst = 200, 400
	return kubernetes.NewForConfigOrDie(loaded)
}

func on(informer cache.SharedIndexInformer, do func(any)) {
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: do, UpdateFunc: func(_, now any) { do(now) }})
	if err != nil {
		log.Fatal(err)
	}
}
