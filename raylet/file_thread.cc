#include "raylet/file_thread.h"

#include <pthread.h>

namespace troupe::raylet {

FileThread::FileThread(EventLoop& loop) : loop_(loop) {
  boost::asio::post(pool_, [] { pthread_setname_np(pthread_self(), "troupe-files"); });
}

FileThread::~FileThread() {
  pool_.stop();
  pool_.join();
}

}  // namespace troupe::raylet
