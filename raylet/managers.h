// Managers: the parts of a raylet, for those among them that pass messages on.
#pragma once

#include "troupe/ids.h"

namespace troupe {
class EventLoop;
}

namespace troupe::raylet {

class ActorDirectory;
class ActorHost;
class ChannelBroker;
class ClientRegistry;
class ClusterView;
class DriverRunner;
class HeadLink;
class JobPackager;
class JobTable;
class LeaseManager;
class LocalLeases;
class LogFlusher;
class LogForwarder;
class LogKeeper;
class LogMonitor;
class ObjectManager;
class PeerLinks;
class ProcessDeaths;
class RemoteLeases;
class Router;
class WorkerPool;

// Owned by Raylet, which sets all of it before the first message arrives.
struct Managers {
  EventLoop* loop = nullptr;
  NodeId self;
  ClusterView* cluster = nullptr;
  JobTable* jobs = nullptr;
  LocalLeases* leases = nullptr;
  LeaseManager* lease_requests = nullptr;
  RemoteLeases* remote_leases = nullptr;
  ActorHost* actors = nullptr;
  ActorDirectory* directory = nullptr;
  ObjectManager* objects = nullptr;
  ChannelBroker* channels = nullptr;
  Router* router = nullptr;
  PeerLinks* peers = nullptr;
  HeadLink* head = nullptr;
  ClientRegistry* clients = nullptr;
  WorkerPool* pool = nullptr;
  LogForwarder* logs = nullptr;
  LogFlusher* log_flusher = nullptr;
  LogMonitor* log_monitor = nullptr;
  LogKeeper* log_keeper = nullptr;
  DriverRunner* drivers = nullptr;
  JobPackager* packager = nullptr;
  ProcessDeaths* deaths = nullptr;
};

}  // namespace troupe::raylet
