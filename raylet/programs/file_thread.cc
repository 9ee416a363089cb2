#include "raylet/programs/file_thread.h"

#include <pthread.h>

namespace troupe::raylet {

FileThread::FileThread(EventLoop& loop, const char* name) : loop_(loop) {
  boost::asio::post(pool_, [name] { pthread_setname_np(pthread_self(), name); });
}

FileThread::~FileThread() {
  pool_.stop();
  pool_.join();
}

}  // namespace troupe::raylet
