# The rooms of the house: who may know whom is written once (src/CMakeLists.txt), linked by it, and
# compared with every #include by a test a room.
#
#   ft_room(NAME [USES room...] [LINKS library...])
#
# makes the static library ft_NAME from src/NAME/*.cpp and the test `room:NAME`. A room can only use rooms
# that are defined before it, so there is no cycle.
function(ft_room name)
  cmake_parse_arguments(ROOM "" "" "USES;LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cpp)
  add_library(ft_${name} STATIC ${sources})
  target_include_directories(ft_${name} PUBLIC ${PROJECT_SOURCE_DIR}/include PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(ft_${name} PUBLIC ft_settings)
  foreach(used IN LISTS ROOM_USES)
    if(NOT TARGET ft_${used})
      message(FATAL_ERROR "room ${name} uses ${used}, which is no room below it")
    endif()
    target_link_libraries(ft_${name} PUBLIC ft_${used})
  endforeach()
  target_link_libraries(ft_${name} PRIVATE ${ROOM_LINKS})
  string(REPLACE ";" "," uses "${ROOM_USES}")
  add_test(NAME room:${name}
    COMMAND ${CMAKE_COMMAND} -DROOM=${name} -DUSES=${uses} -DROOT=${PROJECT_SOURCE_DIR}
            -P ${PROJECT_SOURCE_DIR}/cmake/check_room.cmake)
endfunction()

# ft_room_tests(NAME [LINKS library...]): one test program from tests/NAME/*_test.cpp; each TEST_CASE is a CTest.
function(ft_room_tests name)
  cmake_parse_arguments(TESTS "" "" "LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${name}/*_test.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(test_${name} ${sources})
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(test_${name} PRIVATE ft_${name} ft_test_support Catch2::Catch2WithMain ${TESTS_LINKS})
  catch_discover_tests(test_${name} TEST_PREFIX "${name}: " PROPERTIES TIMEOUT 300)
endfunction()
